import { type KubernetesObject, nodes, type Pod, pods } from "@skerry/api";
import { type Clock, isJsonObject, type Logger, type SkerryError } from "@skerry/base";
import { isApiError, type KubernetesApi } from "@skerry/kube";
import {
  type AcceptedTunnel,
  type ByteStream,
  type ConnectRequest,
  containerLog,
  GeneratedStream,
  type LogFiles,
  Multiplexer,
  parseKubeletPath,
  readLogOptions,
} from "@skerry/streams";
import { nodeOffline, notAContainer, notServedByNode, pathNotServed, podNotScheduled, podUnknown } from "./errors.ts";
import { LastLines } from "./last-lines.ts";
import type { OwnPod } from "./own-pod.ts";

/** CloudCore's own log, and the pod that it is shown as. */
export interface OwnLogSource {
  readonly pod: Pick<OwnPod, "matches">;
  readonly folder: string;
  readonly files: LogFiles;
}

export interface CloudStreamOptions {
  readonly api: KubernetesApi;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Tunnels at once. */
  readonly nodeLimit: number;
  /** Streams open at once to one node. @default 64 */
  readonly maxStreamsPerNode?: number;
  /** Left out: CloudCore's own log is not served. */
  readonly own?: OwnLogSource;
}

/** A stream into a pod, and how its node speaks. */
export interface OpenedStream {
  readonly stream: ByteStream;
  /** Whether the answer begins with the head of an HTTP answer for logs too; exec and attach always do. */
  readonly startsWithHead: boolean;
  /** Takes what is read of a log, so that it can be shown when the node is offline. */
  readonly onLogRead?: (block: Uint8Array) => void;
}

/** The kubelet's request as it came to CloudStream. */
export type KubeletRequest = Omit<ConnectRequest, "kind">;

/** Nodes whose last contact is remembered beyond those connected; of more the longest silent are forgotten. */
const REMEMBERED_NODES = 5_000;

/**
 * The way from the API server into pods (security.md 11): keeps one tunnel per node, and leads the kubelet's requests to
 * the node that the pod is on. Which node a tunnel is for, its certificate has said.
 */
export class CloudStream implements Disposable {
  readonly #options: CloudStreamOptions;
  readonly #tunnels = new Map<string, Multiplexer>();
  readonly #offlineSinceMs = new Map<string, number>();
  readonly #lastLines = new LastLines();
  #refusedTunnels = 0;

  constructor(options: CloudStreamOptions) {
    this.#options = options;
  }

  /** Nodes with a tunnel. */
  get connectedNodes(): ReadonlySet<string> {
    return new Set(this.#tunnels.keys());
  }

  /** Tunnels that were beyond the limit. */
  get refusedTunnels(): number {
    return this.#refusedTunnels;
  }

  /** Takes over a tunnel; it ends the node's older one. */
  accept({ connection, nodeName }: AcceptedTunnel): void {
    const { clock, logger, nodeLimit, maxStreamsPerNode } = this.#options;
    const before = this.#tunnels.get(nodeName);
    if (!before && this.#tunnels.size >= nodeLimit) {
      this.#refusedTunnels++;
      logger.warn("A stream tunnel was refused: as many nodes as allowed have one", { node: nodeName, nodeLimit });
      connection.close("as many nodes as allowed have a tunnel");
      return;
    }
    const tunnel = new Multiplexer({
      connection,
      clock,
      logger: logger.child("tunnel", { node: nodeName }),
      ...(maxStreamsPerNode === undefined ? {} : { maxStreams: maxStreamsPerNode }),
    });
    this.#tunnels.set(nodeName, tunnel);
    before?.close("a newer tunnel of this node took over");
    this.#offlineSinceMs.delete(nodeName);
    tunnel.ended.addEventListener("abort", () => this.#ended(nodeName, tunnel), { once: true });
    tunnel.start();
    logger.info("The stream tunnel of a node is open", { node: nodeName });
  }

  /**
   * Opens a stream for a request of the kubelet's API.
   * @throws SkerryError `CLOUDSTREAM_*`, `STREAMS_TOO_MANY`; ApiError of the lookup of the pod
   */
  async open(request: KubeletRequest): Promise<OpenedStream> {
    const path = parseKubeletPath(request.path);
    if (!path) throw pathNotServed();
    if (this.#options.own?.pod.matches(path.namespace, path.pod)) return this.#openOwnLog(request, this.#options.own);
    const nodeName = await this.#nodeOf(path.namespace, path.pod);
    const tunnel = this.#tunnels.get(nodeName);
    if (!tunnel) return this.#openLastLines(request, nodeOffline(nodeName, await this.#silentSinceMs(nodeName)));
    if (path.kind === "port-forward" && !tunnel.speaksSkerry) throw notServedByNode(nodeName);
    return {
      stream: tunnel.open({ ...request, kind: path.kind }),
      startsWithHead: tunnel.speaksSkerry || path.kind !== "logs",
      ...(path.kind === "logs" ? { onLogRead: this.#lastLines.begin(request.path) } : {}),
    };
  }

  #openOwnLog(request: KubeletRequest, { folder, files }: OwnLogSource): OpenedStream {
    const { clock } = this.#options;
    const path = parseKubeletPath(request.path);
    if (path?.kind !== "logs") throw notAContainer();
    const options = readLogOptions(request.query, clock.now());
    const source = { pod: path.pod, container: path.container, folder, isRunning: async () => true };
    return {
      stream: new GeneratedStream((signal) => containerLog({ files, clock }, source, options, signal)),
      startsWithHead: false,
    };
  }

  /** What is known of the log of an offline node, and that it is no more. @throws the given error when nothing is */
  #openLastLines(request: KubeletRequest, offline: SkerryError): OpenedStream {
    const { tailLines } = readLogOptions(request.query, this.#options.clock.now());
    const lines = this.#lastLines.of(request.path, tailLines);
    if (!lines) throw offline;
    const note = `# ${offline.message}. The last lines that were read of it before:\n`;
    return {
      stream: new GeneratedStream(async function* () {
        yield new TextEncoder().encode(note);
        yield lines;
      }),
      startsWithHead: false,
    };
  }

  [Symbol.dispose](): void {
    for (const tunnel of [...this.#tunnels.values()]) tunnel.close("CloudCore stops");
  }

  #ended(nodeName: string, tunnel: Multiplexer): void {
    if (this.#tunnels.get(nodeName) !== tunnel) return;
    this.#tunnels.delete(nodeName);
    const { clock, logger } = this.#options;
    this.#offlineSinceMs.set(nodeName, clock.now());
    const [oldest] = this.#offlineSinceMs.keys();
    if (this.#offlineSinceMs.size > REMEMBERED_NODES && oldest !== undefined) this.#offlineSinceMs.delete(oldest);
    const reason = tunnel.ended.reason instanceof Error ? tunnel.ended.reason.message : "";
    logger.info("The stream tunnel of a node has ended", { node: nodeName, reason });
  }

  async #nodeOf(namespace: string, name: string): Promise<string> {
    try {
      const pod = await this.#options.api.get<Pod>({ resource: pods, namespace, name });
      if (!pod.spec.nodeName) throw podNotScheduled(namespace, name);
      return pod.spec.nodeName;
    } catch (error) {
      if (isApiError(error, "NotFound")) throw podUnknown(namespace, name);
      throw error;
    }
  }

  /** When the node was last there: what the Node says when it is longer ago than this CloudCore's own memory. */
  async #silentSinceMs(nodeName: string): Promise<number | undefined> {
    const remembered = this.#offlineSinceMs.get(nodeName);
    try {
      const node = await this.#options.api.get({ resource: nodes, name: nodeName });
      const heard = lastHeartbeatMs(node);
      if (heard === undefined || remembered === undefined) return heard ?? remembered;
      return Math.min(heard, remembered);
    } catch {
      return remembered; // The answer is that the node is offline; since when is a courtesy.
    }
  }
}

/** When the node last reported, once it counts as not reachable. */
function lastHeartbeatMs(node: KubernetesObject & { readonly status?: unknown }): number | undefined {
  const status = isJsonObject(node.status) ? node.status : {};
  const conditions = Array.isArray(status["conditions"]) ? status["conditions"] : [];
  const ready = conditions.filter(isJsonObject).find((condition) => condition["type"] === "Ready");
  if (ready?.["status"] !== "Unknown") return undefined;
  const time = Date.parse(String(ready["lastHeartbeatTime"] ?? ready["lastTransitionTime"] ?? ""));
  return Number.isNaN(time) ? undefined : time;
}
