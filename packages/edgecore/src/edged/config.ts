import {
  DEFAULT_PARALLEL_PULLS,
  defaultEviction,
  defaultImageGarbage,
  type EvictionSection,
  type ImageGarbageSection,
  nothingReserved,
  type ReservedResources,
  type ShutdownGroup,
  type Taint,
} from "@skerry/api";

export type { ShutdownGroup } from "@skerry/api";

/** How Edged runs this node. */
export interface EdgedConfig {
  readonly nodeName: string;
  /** Folder of pods' volumes and files, absolute; KubeEdge's default is `/var/lib/edged`. */
  readonly rootDirectory: string;
  /** Folder of container logs, absolute. */
  readonly podLogsDirectory: string;
  /** What the node says it runs, e.g. `v1.32.10-kubeedge-v1.23.0-skerry0.1.0`; tools read KubeEdge's form (edge.md 8). */
  readonly kubeletVersion: string;
  /** Labels to register with, beside the well-known ones. */
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  /** Port in the node's `daemonEndpoints`. */
  readonly kubeletPort: number;
  readonly maxPods: number;
  /** Override the machine's addresses (configuration `nodeIP`). */
  readonly nodeIps?: readonly string[];
  /** Servers for pods with dnsPolicy ClusterFirst; empty: the host's. */
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  /** File to take the host's name servers from. */
  readonly resolvConf: string;
  readonly relistPeriodMs: number;
  /** The same while the runtime tells what happens to containers: so long a lost event goes unnoticed at most. */
  readonly relistPeriodWithEventsMs: number;
  readonly nodeStatusPeriodMs: number;
  /** An unchanged status is sent at least this often. */
  readonly nodeStatusReportPeriodMs: number;
  readonly nodeLeasePeriodMs: number;
  readonly nodeLeaseDurationSeconds: number;
  /** A container's log is rotated at this size, and this many files are kept. */
  readonly containerLogMaxBytes: number;
  readonly containerLogMaxFiles: number;
  readonly eviction: EvictionSection;
  readonly imageGarbage: ImageGarbageSection;
  readonly reserved: ReservedResources;
  /** So many images, the largest first, are in the node's status; undefined: all. */
  readonly statusImagesLimit: number | undefined;
  /** So many processes a pod has at most; undefined: any. */
  readonly podPidsLimit: number | undefined;
  /** So many images are pulled at the same time. */
  readonly parallelImagePulls: number;
  /** Containers that name no seccomp profile have the runtime's. */
  readonly seccompDefault: boolean;
  /** The times that pods have to end when the machine goes down; empty: they are not ended before it. */
  readonly shutdownGroups: readonly ShutdownGroup[];
}

/** Edged's configuration with KubeEdge's defaults for what is left out. */
export function edgedConfig(
  given: Partial<EdgedConfig> & Pick<EdgedConfig, "nodeName" | "rootDirectory">,
): EdgedConfig {
  return {
    podLogsDirectory: `${given.rootDirectory}/pod-logs`,
    kubeletVersion: "v1.32.10-kubeedge-v1.23.0-skerry0.1.0",
    labels: {},
    taints: [],
    kubeletPort: 10350,
    maxPods: 110,
    clusterDns: [],
    clusterDomain: "cluster.local",
    resolvConf: "/etc/resolv.conf",
    relistPeriodMs: 1000,
    relistPeriodWithEventsMs: 20_000,
    nodeStatusPeriodMs: 10_000,
    nodeStatusReportPeriodMs: 5 * 60_000,
    nodeLeasePeriodMs: 10_000,
    nodeLeaseDurationSeconds: 40,
    containerLogMaxBytes: 10 * 1024 * 1024,
    containerLogMaxFiles: 5,
    eviction: defaultEviction,
    imageGarbage: defaultImageGarbage,
    reserved: nothingReserved,
    statusImagesLimit: 50,
    podPidsLimit: undefined,
    parallelImagePulls: DEFAULT_PARALLEL_PULLS,
    seccompDefault: false,
    shutdownGroups: [],
    ...given,
  };
}
