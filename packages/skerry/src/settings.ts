import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import type { RuntimeKind } from "./noderuntime/node-runtime.ts";
import type { SkerryHome } from "./skerry-home.ts";

/** A cloud on another machine, as its join token's configuration names it. */
export interface JoinedCloud {
  /** `host:port` of CloudHub's WebSocket. */
  readonly cloudHub: string;
  /** `host:port` of CloudHub's HTTPS. */
  readonly cloudHttps: string;
  /** `host:port` of CloudStream's tunnel port; left out: no kubectl logs and exec for this node. */
  readonly cloudTunnel?: string;
  readonly token: string;
}

/** What `skerry up` can be told; kept in the home folder, so that the next start is the same. */
export interface Settings {
  /** Where the Kubernetes API listens. */
  readonly apiAddress: string;
  readonly apiPort: number;
  /** CloudHub's WebSocket and HTTPS ports, for edge nodes on other machines too. */
  readonly cloudHubPort: number;
  readonly cloudHttpsPort: number;
  /** CloudStream's ports: for the API server, on this machine only, and for edge nodes. */
  readonly streamPort: number;
  readonly tunnelPort: number;
  /** How many CloudCores share these ports. */
  readonly cloudCores: number;
  readonly mqttPort: number;
  /** The HTTP entry of Rules, on this machine only; undefined: Rules are not followed. */
  readonly routerPort: number | undefined;
  /** Prometheus' metrics, on this machine only; undefined: they are not served. */
  readonly metricsPort: number | undefined;
  /** An OpenTelemetry collector's OTLP/HTTP address; undefined: nothing is traced. */
  readonly traceEndpoint: string | undefined;
  /** Where applications of the node reach services behind Rules. */
  readonly serviceBusPort: number;
  /** The Kubernetes API for the node's applications, on this machine only; undefined: there is none. */
  readonly metaServerPort: number | undefined;
  /** The name of the edge node on this machine, or undefined when only the cloud side runs. */
  readonly node: string | undefined;
  /** Labels that the node gives itself when it registers. */
  readonly nodeLabels: Readonly<Record<string, string>>;
  /** The cloud that the node joined on another machine (`skerry join`); undefined when the cloud runs here. */
  readonly cloud: JoinedCloud | undefined;
  /** The address or name at which other machines reach the cloud here, where it is not the machine's own. */
  readonly advertiseAddress: string | undefined;
  /** This machine's address, as nodes and people reach it; never 127.x. */
  readonly nodeAddress: string;
  /** Further addresses and names of the cloud here, for CloudCore's certificate. */
  readonly certificateNames: readonly string[];
  /** Kubeconfig of a Kubernetes that CloudCore works for; undefined: the built-in one. */
  readonly kubeConfig: string | undefined;
  readonly podSubnet: string | undefined;
  /** What runs the node's containers; `auto` takes containerd for root and the process runtime for everybody else. */
  readonly runtime: RuntimeKind | "auto";
  /** Whether the example app and thermometer were created; once only, so that a deleted one stays deleted. */
  readonly examplesCreated: boolean;
  /** Whether to create the examples at the first start. */
  readonly examples: boolean;
}

/** KubeEdge's and Kubernetes' usual ports. */
export function defaultSettings(): Settings {
  return {
    apiAddress: "127.0.0.1",
    apiPort: 6443,
    cloudHubPort: 10000,
    cloudHttpsPort: 10002,
    streamPort: 10003,
    tunnelPort: 10004,
    cloudCores: 1,
    mqttPort: 1883,
    routerPort: undefined,
    metricsPort: undefined,
    traceEndpoint: undefined,
    serviceBusPort: 9060,
    metaServerPort: undefined,
    node: "edge-node-1",
    nodeLabels: {},
    cloud: undefined,
    advertiseAddress: undefined,
    nodeAddress: machineAddress(),
    certificateNames: [],
    kubeConfig: undefined,
    podSubnet: undefined,
    runtime: "auto",
    examplesCreated: false,
    examples: true,
  };
}

/** The settings of the last start over the defaults. The machine's address is looked up anew. */
export function loadSettings(home: SkerryHome): Settings {
  const defaults = defaultSettings();
  if (!existsSync(home.settingsFile)) return defaults;
  try {
    const stored = JSON.parse(readFileSync(home.settingsFile, "utf8")) as Partial<Settings> & { node?: string | null };
    const node = stored.node === null ? undefined : (stored.node ?? defaults.node);
    return { ...defaults, ...stored, node, nodeAddress: defaults.nodeAddress };
  } catch {
    return defaults; // Options can be given again; nothing else is kept here.
  }
}

/** Keeps the settings for the next start; only their owner reads them, because a join token may be among them. */
export function saveSettings(home: SkerryHome, settings: Settings): void {
  const text = `${JSON.stringify({ ...settings, node: settings.node ?? null }, null, 2)}\n`;
  writeFileSync(home.settingsFile, text, { mode: 0o600 });
  chmodSync(home.settingsFile, 0o600); // One that was there keeps its mode otherwise.
}

/**
 * The first address of this machine that others can reach: IPv4, not loopback, not a container bridge. A machine
 * without a network has none; then the loopback address has to do.
 */
export function machineAddress(): string {
  const bridges = /^(skr-|docker|br-|veth|cni|flannel|virbr|kube)/;
  const candidates = Object.entries(networkInterfaces())
    .filter(([name]) => !bridges.test(name))
    .flatMap(([, addresses]) => addresses ?? [])
    .filter((address) => address.family === "IPv4" && !address.internal && !address.address.startsWith("169.254."));
  return candidates[0]?.address ?? "127.0.0.1";
}
