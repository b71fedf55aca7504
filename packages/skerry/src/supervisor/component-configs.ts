import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { machineIpv6Address } from "@skerry/base/platform";
import { stringify } from "yaml";
import { edgedFolder } from "../nodecontainers/node-containers.ts";
import type { JoinedCloud, Settings } from "../settings.ts";
import type { SkerryHome } from "../skerry-home.ts";

const WRITTEN_BY = "# Written by `skerry up` at every start; changes made here are lost.\n";

/** KubeEdge's default of 500 is for a much heavier connection; memory grows by some 0.1 MB a node. */
const NODE_LIMIT = 5_000;

/**
 * Writes cloudcore.yaml of one of the CloudCores and returns its path. The loopback address is for nodes on this machine.
 * @param number counted from 1
 */
export function writeCloudCoreConfig(home: SkerryHome, settings: Settings, number: number): string {
  const path = join(home.cloudCore, number === 1 ? "cloudcore.yaml" : `cloudcore-${number}.yaml`);
  const replica = { replica: `cloud-${number}`, sharePorts: true, peerAddress: "127.0.0.1" };
  const config = {
    apiVersion: "cloudcore.config.kubeedge.io/v1alpha1",
    kind: "CloudCore",
    kubeAPIConfig: { kubeConfig: settings.kubeConfig ?? home.kubeconfig },
    modules: {
      cloudHub: {
        nodeLimit: NODE_LIMIT,
        advertiseAddress: [
          ...new Set([cloudAddress(settings), ...settings.certificateNames, settings.nodeAddress, "127.0.0.1"]),
        ],
        https: { enable: true, address: "0.0.0.0", port: settings.cloudHttpsPort },
        websocket: { enable: true, address: "0.0.0.0", port: settings.cloudHubPort },
        // Not the machine's /etc/kubeedge, should it have one.
        tlsCAFile: join(home.cloudCore, "rootCA.crt"),
        tlsCAKeyFile: join(home.cloudCore, "rootCA.key"),
        tlsCertFile: join(home.cloudCore, "server.crt"),
        tlsPrivateKeyFile: join(home.cloudCore, "server.key"),
      },
      cloudStream: {
        enable: true,
        // The built-in Kubernetes calls there from this machine; any other is let in by its certificate.
        streamAddress: settings.kubeConfig === undefined ? "127.0.0.1" : "0.0.0.0",
        streamPort: settings.streamPort,
        tunnelPort: settings.tunnelPort,
      },
      taskManager: { enable: true },
      // Plain and open, so for this machine only.
      ...(settings.routerPort === undefined
        ? {}
        : { router: { enable: true, address: "127.0.0.1", port: settings.routerPort } }),
      ...(settings.metaServerPort === undefined ? {} : { dynamicController: { enable: true } }),
    },
    skerry: {
      // One file for all: SQLite lets several processes of a machine write it.
      telemetry: { database: join(home.cloudCore, "telemetry.db") },
      ...(settings.metricsPort === undefined
        ? {}
        : { metrics: { enable: true, address: "127.0.0.1", port: settings.metricsPort } }),
      ...tracing(settings),
      ...(settings.cloudCores > 1 ? replica : {}),
    },
  };
  writePrivate(path, WRITTEN_BY + stringify(config));
  return path;
}

/** Where other machines reach the cloud here. */
export function cloudAddress(settings: Settings): string {
  return settings.advertiseAddress ?? settings.nodeAddress;
}

/** What a node's edgecore.yaml says. */
export interface EdgeCoreConfigInput extends JoinedCloud {
  /** Left out: the machine's own name. */
  readonly node: string | undefined;
  readonly nodeLabels: Readonly<Record<string, string>>;
  /** Everything of the node is below it. */
  readonly nodeFolder: string;
  /** One of IPv4, one of IPv6, or both with a comma between them. Left out: EdgeCore finds them. */
  readonly nodeAddress: string | undefined;
  readonly containerRuntimeSocket: string;
  readonly mqttServer: string;
  /** Left out: no ServiceBus. */
  readonly serviceBusPort?: number;
  /** Left out: nothing is traced. */
  readonly tracing?: { readonly endpoint: string };
  /** Left out: no MetaServer. */
  readonly metaServerPort?: number;
  /** The node's disk is one that others use as well. @default false */
  readonly sharesDisk?: boolean;
}

/**
 * On a machine that is somebody's desk, how full the disk is says nothing about the pods: none is evicted, and no image
 * removed, because of it.
 */
const SHARED_DISK = {
  evictionHard: {
    "memory.available": "100Mi",
    "nodefs.available": "0%",
    "nodefs.inodesFree": "0%",
    "imagefs.available": "0%",
    "imagefs.inodesFree": "0%",
  },
  imageGCHighThresholdPercent: 100,
};

/** The KubeEdge configuration of an edge node, as an object. */
export function edgeCoreConfig(input: EdgeCoreConfigInput): Record<string, unknown> {
  const certificates = join(input.nodeFolder, "certificates");
  return {
    apiVersion: "edgecore.config.kubeedge.io/v1alpha2",
    kind: "EdgeCore",
    database: { dataSource: join(input.nodeFolder, "edgecore.db") },
    modules: {
      edgeHub: {
        httpServer: `https://${input.cloudHttps}`,
        websocket: { enable: true, server: input.cloudHub },
        token: input.token,
        tlsCaFile: join(certificates, "ca.crt"),
        tlsCertFile: join(certificates, "server.crt"),
        tlsPrivateKeyFile: join(certificates, "server.key"),
      },
      edged: {
        ...(input.node === undefined ? {} : { hostnameOverride: input.node }),
        ...(Object.keys(input.nodeLabels).length > 0 ? { nodeLabels: input.nodeLabels } : {}),
        ...(input.nodeAddress === undefined ? {} : { nodeIP: input.nodeAddress }),
        rootDirectory: edgedFolder(input.nodeFolder),
        tailoredKubeletConfig: {
          containerRuntimeEndpoint: `unix://${input.containerRuntimeSocket}`,
          staticPodPath: join(input.nodeFolder, "manifests"),
          shutdownGracePeriod: "30s",
          shutdownGracePeriodCriticalPods: "10s",
          ...(input.sharesDisk ? SHARED_DISK : {}),
        },
      },
      deviceTwin: { dmiSockPath: input.nodeFolder },
      taskManager: { enable: true },
      eventBus: { enable: true, mqttMode: 2, mqttServerExternal: input.mqttServer },
      ...(input.serviceBusPort === undefined ? {} : { serviceBus: { enable: true, port: input.serviceBusPort } }),
      ...(input.metaServerPort === undefined
        ? {}
        : { metaManager: { metaServer: { enable: true, server: `127.0.0.1:${input.metaServerPort}` } } }),
      ...(input.cloudTunnel === undefined ? {} : { edgeStream: { enable: true, server: input.cloudTunnel } }),
    },
    ...(input.tracing === undefined ? {} : { skerry: { tracing: input.tracing } }),
  };
}

/** Writes edgecore.yaml of a node on this machine and returns its path. */
export function writeEdgeCoreConfig(
  home: SkerryHome,
  settings: Settings,
  node: string,
  containerRuntimeSocket: string,
  cloud: JoinedCloud,
): string {
  const nodeFolder = home.nodeFolder(node);
  const path = join(nodeFolder, "edgecore.yaml");
  const config = edgeCoreConfig({
    node,
    nodeLabels: settings.nodeLabels,
    nodeFolder,
    nodeAddress: [settings.nodeAddress, machineIpv6Address() ?? []].flat().join(","),
    containerRuntimeSocket,
    sharesDisk: settings.cloud === undefined,
    ...cloud,
    mqttServer: `tcp://127.0.0.1:${settings.mqttPort}`,
    ...(settings.routerPort === undefined ? {} : { serviceBusPort: settings.serviceBusPort }),
    ...tracing(settings),
    ...(settings.metaServerPort === undefined ? {} : { metaServerPort: settings.metaServerPort }),
  });
  // JSON is YAML too, and EdgeCore reads it without the YAML package.
  writePrivate(path, `${WRITTEN_BY}${JSON.stringify(config, null, 2)}\n`);
  return path;
}

/** The section `skerry.tracing` of both configurations. */
function tracing({ traceEndpoint }: Settings): { tracing?: { endpoint: string } } {
  return traceEndpoint === undefined ? {} : { tracing: { endpoint: traceEndpoint } };
}

/**
 * Writes mosquitto.conf and returns its path. The broker listens to this machine only, keeps persistent sessions over
 * restarts, and stays root, because its files are in Skerry's folder, which others may not enter.
 */
export function writeMosquittoConfig(nodeFolder: string, port: number): string {
  const data = join(nodeFolder, "mosquitto");
  mkdirSync(data, { recursive: true, mode: 0o700 });
  const path = join(data, "mosquitto.conf");
  const lines = [
    `listener ${port} 127.0.0.1`,
    "allow_anonymous true",
    "user root",
    "persistence true",
    `persistence_location ${data}/`,
    "autosave_interval 30",
    // What waits for one client: some seconds of thousands of devices, while a disk is slow or EdgeCore starts again.
    "max_queued_messages 50000",
    "max_queued_bytes 67108864",
    "max_inflight_messages 2048", // As many as EdgeCore commits together.
    "message_size_limit 1048576",
    "max_connections 4096",
    "set_tcp_nodelay true", // Else answers of some bytes wait 40 ms.
    "log_dest stderr",
  ];
  writePrivate(path, `${lines.join("\n")}\n`);
  return path;
}

/** Configurations hold tokens: only their owner reads them. */
function writePrivate(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text, { mode: 0o600 });
}
