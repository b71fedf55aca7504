import type { CloudCoreConfig } from "@skerry/api";
import type { Clock, ConnectionCounters, Logger, Random } from "@skerry/base";
import type { DelegatedApi, KubernetesApi } from "@skerry/kube";
import type { CloudHubPort, LinkTrace } from "../cloudhub/index.ts";

export interface CloudCoreOptions {
  readonly config: CloudCoreConfig;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Ports to listen on instead of the configuration's; 0 takes any free one. */
  readonly ports?: {
    readonly webSocket?: number;
    readonly https?: number;
    readonly tunnel?: number;
    readonly kubelet?: number;
    readonly peer?: number;
    readonly router?: number;
    readonly metrics?: number;
  };
  /** Instead of the Kubernetes that the configuration's kubeconfig names. */
  readonly kubernetes?: {
    readonly api: KubernetesApi;
    readonly authorityPem?: string;
    /** The same Kubernetes with the nodes' rights; without it nodes' MetaServers are refused. */
    readonly delegated?: DelegatedApi;
  };
  /** Whether to install the definitions of devices and sync objects. @default true */
  readonly installCustomResources?: boolean;
  /** Where CloudCore keeps the log that `kubectl logs` shows; left out: nowhere. Needs CloudStream. */
  readonly ownLogFolder?: string;
  /** The nodes' certificate authority changes: CloudCore has to be started anew. Left out: it is not watched. */
  readonly onAuthorityChange?: () => void;
  /** Gives up starting. */
  readonly signal?: AbortSignal;
}

/** A running CloudCore. Disposing stops it; edges notice and come back when it is up again. */
export interface CloudCore extends AsyncDisposable {
  readonly webSocketPort: number;
  readonly httpsPort: number;
  /** Ports of CloudStream, where it is enabled. */
  readonly tunnelPort?: number;
  readonly kubeletPort?: number;
  /** Port of the router's HTTP entry, where it is enabled. */
  readonly routerPort?: number;
  /** Port for Prometheus, where it is enabled. */
  readonly metricsPort?: number;
  readonly cloudHub: CloudHubPort;
  /** How a node's link is, and what crossed it. */
  trace(nodeName: string, recentMs?: number): Promise<LinkTrace>;
  /** The authority of the edges' certificates, PEM. */
  readonly authorityPem: string;
  /** What the ports have seen of connections, by port. */
  readonly connectionCounters: Readonly<Record<string, ConnectionCounters>>;
  /** A token with which a machine can join as an edge node. */
  joinToken(): string;
}
