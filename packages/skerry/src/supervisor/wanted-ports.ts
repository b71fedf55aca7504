import type { Settings } from "../settings.ts";
import type { WantedPort } from "./port-check.ts";

/** The ports that the parts on this machine are going to listen on. */
export function wantedPorts(settings: Settings): WantedPort[] {
  const api = { address: settings.apiAddress, port: settings.apiPort, purpose: "Kubernetes API", option: "--api-port" };
  const cloudSide: WantedPort[] = [
    ...(settings.kubeConfig === undefined ? [api] : []),
    { address: "0.0.0.0", port: settings.cloudHubPort, purpose: "CloudHub", option: "--hub-port" },
    { address: "0.0.0.0", port: settings.cloudHttpsPort, purpose: "CloudHub's HTTPS", option: "--hub-https-port" },
    { address: "127.0.0.1", port: settings.streamPort, purpose: "pods' streams", option: "--stream-port" },
    { address: "0.0.0.0", port: settings.tunnelPort, purpose: "nodes' stream tunnels", option: "--tunnel-port" },
  ];
  if (settings.routerPort !== undefined)
    cloudSide.push({ address: "127.0.0.1", port: settings.routerPort, purpose: "Rules", option: "--router-port" });
  if (settings.metricsPort !== undefined)
    cloudSide.push({ address: "127.0.0.1", port: settings.metricsPort, purpose: "metrics", option: "--metrics-port" });
  const node: WantedPort[] = [
    { address: "127.0.0.1", port: settings.mqttPort, purpose: "MQTT broker", option: "--mqtt-port" },
  ];
  if (settings.metaServerPort !== undefined)
    node.push({
      address: "127.0.0.1",
      port: settings.metaServerPort,
      purpose: "the node's MetaServer",
      option: "--meta-server-port",
    });
  return [...(settings.cloud === undefined ? cloudSide : []), ...(settings.node === undefined ? [] : node)];
}
