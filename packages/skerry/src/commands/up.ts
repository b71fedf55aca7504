import { isIP } from "node:net";
import { parseArgs } from "node:util";
import { isNodeName } from "@skerry/pki";
import { usageError } from "../errors.ts";
import { defaultSettings, loadSettings, type Settings } from "../settings.ts";
import { prepareHome, skerryHome } from "../skerry-home.ts";
import type { Command } from "./command.ts";
import { runSupervisor } from "./run-supervisor.ts";
import { countOption, portOption, runtimeOption, subnetOption } from "./start-options.ts";

/** More would share one machine's cores and its one database. */
const MAX_CLOUD_CORES = 16;

const help = `skerry up [--detach] [options]

Starts everything on this machine: a small Kubernetes, CloudCore, one edge node with its own container runtime, an
MQTT broker, a virtual thermometer and an example app. Runs until Ctrl-C, or in the background with --detach.

  --detach              return when everything is ready
  --systemd             start it by a systemd unit, and again with the machine
  --no-node             only the cloud side (--node: with the node again)
  --no-examples         without example app and thermometer (--examples: with them again)
  --api-port NUMBER     Kubernetes API (6443)
  --api-address ADDRESS where the Kubernetes API listens (127.0.0.1)
  --advertise-address ADDRESS  address or name at which other machines reach the cloud, if not this machine's own
  --hub-port NUMBER     CloudHub's WebSocket (10000)
  --hub-https-port NUMBER  CloudHub's HTTPS (10002)
  --stream-port NUMBER  pods' streams for the Kubernetes API (10003)
  --tunnel-port NUMBER  pods' streams from edge nodes (10004)
  --cloudcores NUMBER   CloudCores that share the ports; when one fails the others go on (1)
  --mqtt-port NUMBER    MQTT broker (1883)
  --pod-subnet CIDR[,CIDR]  addresses of the pods, IPv4 and IPv6 (a free 10.244.x.0/24, and an IPv6 range where the
                        machine has IPv6)
  --runtime NAME        what runs containers: containerd (needs root), process (needs nothing), or auto (auto)
  --router-port NUMBER  HTTP entry of Rules, for this machine only; without it Rules are not followed
  --metrics-port NUMBER metrics of CloudCore and all nodes for Prometheus, for this machine only; without it none are served
  --trace-endpoint URL  OTLP/HTTP address of an OpenTelemetry collector, such as http://127.0.0.1:4318/v1/traces
  --service-bus-port NUMBER  where the node's applications reach services behind Rules (9060)
  --meta-server-port NUMBER  Kubernetes API for the node's applications, also without the cloud (KubeEdge's is 10550);
                        without it there is none

Options are kept in the home folder (.skerry, or SKERRY_HOME) for the next start. Where \`skerry join\` was run, the node
that joined is started, without a cloud.

Examples:
  skerry up --detach
  skerry up --api-port 7443 --mqtt-port 11883
  skerry up --detach --cloudcores 2
`;

/** `skerry up`. */
export const up: Command = {
  name: "up",
  summary: "start everything (npm start)",
  help,
  async run(parameters) {
    const { values } = parseArgs({
      args: [...parameters],
      allowNegative: true,
      options: {
        detach: { type: "boolean" },
        systemd: { type: "boolean" },
        node: { type: "boolean" },
        examples: { type: "boolean" },
        "api-port": { type: "string" },
        "api-address": { type: "string" },
        "advertise-address": { type: "string" },
        "hub-port": { type: "string" },
        "hub-https-port": { type: "string" },
        "stream-port": { type: "string" },
        "tunnel-port": { type: "string" },
        cloudcores: { type: "string" },
        "mqtt-port": { type: "string" },
        "pod-subnet": { type: "string" },
        runtime: { type: "string" },
        "router-port": { type: "string" },
        "metrics-port": { type: "string" },
        "trace-endpoint": { type: "string" },
        "service-bus-port": { type: "string" },
        "meta-server-port": { type: "string" },
      },
    });
    const home = skerryHome();
    prepareHome(home);
    const before = loadSettings(home);
    if (before.cloud && values.node === false)
      throw usageError("This machine's node joined another machine's cloud; without it there is nothing to start");
    const settings: Settings = {
      ...before,
      apiPort: portOption(values["api-port"], "--api-port") ?? before.apiPort,
      apiAddress: values["api-address"] ?? before.apiAddress,
      advertiseAddress: addressOption(values["advertise-address"]) ?? before.advertiseAddress,
      cloudHubPort: portOption(values["hub-port"], "--hub-port") ?? before.cloudHubPort,
      cloudHttpsPort: portOption(values["hub-https-port"], "--hub-https-port") ?? before.cloudHttpsPort,
      streamPort: portOption(values["stream-port"], "--stream-port") ?? before.streamPort,
      tunnelPort: portOption(values["tunnel-port"], "--tunnel-port") ?? before.tunnelPort,
      cloudCores: countOption(values.cloudcores, "--cloudcores", MAX_CLOUD_CORES) ?? before.cloudCores,
      mqttPort: portOption(values["mqtt-port"], "--mqtt-port") ?? before.mqttPort,
      routerPort: portOption(values["router-port"], "--router-port") ?? before.routerPort,
      metricsPort: portOption(values["metrics-port"], "--metrics-port") ?? before.metricsPort,
      traceEndpoint: traceEndpointOption(values["trace-endpoint"]) ?? before.traceEndpoint,
      serviceBusPort: portOption(values["service-bus-port"], "--service-bus-port") ?? before.serviceBusPort,
      metaServerPort: portOption(values["meta-server-port"], "--meta-server-port") ?? before.metaServerPort,
      podSubnet: subnetOption(values["pod-subnet"]) ?? before.podSubnet,
      runtime: runtimeOption(values.runtime) ?? before.runtime,
      node: nodeOption(values.node, before.node),
      examples: values.examples ?? before.examples,
    };
    if (settings.metricsPort !== undefined && settings.cloudCores > 1)
      throw usageError(
        "--metrics-port is for one CloudCore; several need a port each, which only cloudcore.yaml can give",
      );
    return runSupervisor(home, settings, values.systemd ? "systemd" : values.detach ? "detached" : "foreground");
  },
};

/** Throws SKERRY_USAGE. */
function traceEndpointOption(text: string | undefined): string | undefined {
  if (text === undefined || (URL.canParse(text) && /^https?:/.test(text))) return text;
  throw usageError(`--trace-endpoint needs an http or https URL, not ${JSON.stringify(text)}`);
}

function nodeOption(wanted: boolean | undefined, before: string | undefined): string | undefined {
  if (wanted === undefined) return before;
  return wanted ? (before ?? defaultSettings().node) : undefined;
}

/** Throws SKERRY_USAGE. */
function addressOption(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  if (isIP(text) !== 4 && !isNodeName(text))
    // What a node may be called may be a machine's name, too.
    throw usageError(`--advertise-address needs an IPv4 address or a host name, not ${JSON.stringify(text)}`);
  return text;
}
