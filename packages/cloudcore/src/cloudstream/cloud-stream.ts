import { type KubernetesObject, type Lease, leases, nodes, type Pod, pods } from "@skerry/api";
import { isJsonObject, type SkerryError } from "@skerry/base";
import { isApiError, type KubernetesApi } from "@skerry/kube";
import {
  type AcceptedTunnel,
  type ByteStream,
  type ConnectRequest,
  containerLog,
  GeneratedStream,
  isNodePath,
  type LogFiles,
  LogPace,
  type Multiplexer,
  parseKubeletPath,
  readLogOptions,
  streamKindOf,
} from "@skerry/streams";
import type { NodeRenewal } from "../cloudhub/index.ts";
import { lastHeardMs } from "../last-heard.ts";
import {
  nodeNotNamed,
  nodeOffline,
  nodeUnknown,
  notAContainer,
  notServedByNode,
  pathNotServed,
  podNotScheduled,
  podUnknown,
  tunnelNotOpened,
} from "./errors.ts";
import { type FindTunnelPorts, findTunnel } from "./find-tunnel.ts";
import { LastLines } from "./last-lines.ts";
import { NodeTunnels, type NodeTunnelsOptions, type StreamLoad } from "./node-tunnels.ts";
import type { OwnPod } from "./own-pod.ts";

/** CloudCore's own log, and the pod that it is shown as. */
export interface OwnLogSource {
  readonly pod: Pick<OwnPod, "matches">;
  readonly folder: string;
  readonly files: LogFiles;
}

export interface CloudStreamOptions extends NodeTunnelsOptions {
  readonly api: KubernetesApi;
  /** Left out: CloudCore's own log is not served. */
  readonly own?: OwnLogSource;
  /** The way to nodes whose tunnel is at another CloudCore; left out where there is no other. */
  readonly peers?: FindTunnelPorts["peers"];
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
export type KubeletRequest = Omit<ConnectRequest, "kind"> & {
  /** The node that a node's own path (`/stats/summary`, …) is about. */
  readonly nodeName?: string;
};

/**
 * The way from the API server into pods (security.md 11): keeps one tunnel per node, and leads the kubelet's requests to
 * the node that the pod is on, or to the CloudCore that has its tunnel. Which node a tunnel is for, its certificate has
 * said.
 */
export class CloudStream implements Disposable {
  readonly #options: CloudStreamOptions;
  readonly #tunnels: NodeTunnels;
  readonly #lastLines = new LastLines();
  readonly #logPace: LogPace;

  constructor(options: CloudStreamOptions) {
    this.#options = options;
    this.#logPace = new LogPace(options.clock);
    this.#tunnels = new NodeTunnels(options);
  }

  /** Nodes with a tunnel. */
  get connectedNodes(): ReadonlySet<string> {
    return this.#tunnels.nodes;
  }

  /** Tunnels that were beyond the limit. */
  get refusedTunnels(): number {
    return this.#tunnels.refusedCount;
  }

  /** What the streams of all tunnels here come to. */
  get load(): StreamLoad {
    return this.#tunnels.load;
  }

  /** Takes over a tunnel; it ends the node's older one. */
  accept(tunnel: AcceptedTunnel): void {
    this.#tunnels.accept(tunnel);
  }

  /**
   * Opens a stream for a request of the kubelet's API.
   * @throws SkerryError `CLOUDSTREAM_*`, `STREAMS_TOO_MANY`; ApiError of the lookup of the pod
   */
  async open(request: KubeletRequest): Promise<OpenedStream> {
    const kind = streamKindOf(request.path);
    if (!kind) throw pathNotServed();
    const own = this.#ownLog(request.path);
    if (own) return this.#openOwnLog(request, own);
    const nodeName = await this.#nodeOf(request);
    const { peers, clock } = this.#options;
    const { nodeName: _named, ...plain } = request;
    const wanted = { ...plain, kind };
    const found = await findTunnel({ tunnels: this.#tunnels, peers, clock }, nodeName, wanted);
    if (found.kind === "elsewhere") return { stream: found.open(), startsWithHead: true };
    if (found.kind === "none") {
      if (found.asked) return this.#openLastLines(request, tunnelNotOpened(nodeName));
      const offline = nodeOffline(nodeName, await this.#silentSinceMs(nodeName, isNodePath(request.path)));
      return this.#openLastLines(request, offline);
    }
    return this.#openOn(found.tunnel, nodeName, wanted);
  }

  /** Whether {@link openHere} has something for the request. */
  canServe(nodeName: string, path: string): boolean {
    if (!streamKindOf(path)) return false;
    return this.#ownLog(path) !== undefined || this.#tunnels.get(nodeName) !== undefined;
  }

  /** Asks the node to open its tunnel; false for one that keeps it open by itself, or is not connected here. */
  ask(nodeName: string): boolean {
    return this.#tunnels.ask(nodeName);
  }

  /**
   * As {@link open}, for a node that is known, and by its tunnel here only.
   * @throws SkerryError `CLOUDSTREAM_*`, `STREAMS_TOO_MANY`
   */
  openHere(nodeName: string, request: KubeletRequest): OpenedStream {
    const kind = streamKindOf(request.path);
    if (!kind) throw pathNotServed();
    const own = this.#ownLog(request.path);
    if (own) return this.#openOwnLog(request, own);
    const tunnel = this.#tunnels.get(nodeName);
    if (!tunnel) throw nodeOffline(nodeName, this.#tunnels.offlineSinceMs(nodeName));
    return this.#openOn(tunnel, nodeName, { ...request, kind });
  }

  /** CloudCore's own log, when the path is about its pod. */
  #ownLog(path: string): OwnLogSource | undefined {
    const { own } = this.#options;
    const parsed = parseKubeletPath(path);
    return parsed && own?.pod.matches(parsed.namespace, parsed.pod) ? own : undefined;
  }

  #openOn(tunnel: Multiplexer, nodeName: string, request: ConnectRequest): OpenedStream {
    if (request.kind === "port-forward" && !tunnel.speaksSkerry) throw notServedByNode(nodeName);
    return {
      stream: tunnel.open(request),
      startsWithHead: tunnel.speaksSkerry || (request.kind !== "logs" && request.kind !== "metrics"),
      ...(request.kind === "logs" ? { onLogRead: this.#lastLines.begin(request.path) } : {}),
    };
  }

  #openOwnLog(request: KubeletRequest, { folder, files }: OwnLogSource): OpenedStream {
    const { clock } = this.#options;
    const path = parseKubeletPath(request.path);
    if (path?.kind !== "logs") throw notAContainer();
    const options = readLogOptions(request.query, clock.now());
    const source = { pod: path.pod, container: path.container, folder, isRunning: async () => true };
    const ports = { files, clock, pace: this.#logPace };
    return {
      stream: new GeneratedStream((signal) => containerLog(ports, source, options, signal)),
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

  /** A node has a new certificate: a tunnel that was opened with the one before lives on, until the new one's end. */
  noteRenewal(renewal: NodeRenewal): void {
    this.#tunnels.noteRenewal(renewal);
  }

  /** Ends the tunnel of a node that may no longer be here. */
  expel(nodeName: string, reason: string): void {
    this.#tunnels.expel(nodeName, reason);
  }

  [Symbol.dispose](): void {
    this.#tunnels[Symbol.dispose]();
  }

  async #nodeOf({ path, nodeName }: KubeletRequest): Promise<string> {
    if (isNodePath(path)) {
      if (nodeName === undefined) throw nodeNotNamed();
      return nodeName;
    }
    const { namespace = "", pod: name = "" } = parseKubeletPath(path) ?? {};
    try {
      const pod = await this.#options.api.get<Pod>({ resource: pods, namespace, name });
      if (!pod.spec.nodeName) throw podNotScheduled(namespace, name);
      return pod.spec.nodeName;
    } catch (error) {
      if (isApiError(error, "NotFound")) throw podUnknown(namespace, name);
      throw error;
    }
  }

  /**
   * When the node was last there: what the Node says when it is longer ago than this CloudCore's own memory.
   * @throws SkerryError `CLOUDSTREAM_NODE_UNKNOWN` when the node does not exist and `mustExist`
   */
  async #silentSinceMs(nodeName: string, mustExist: boolean): Promise<number | undefined> {
    const remembered = this.#tunnels.offlineSinceMs(nodeName);
    try {
      const node = await this.#options.api.get({ resource: nodes, name: nodeName });
      // Until it counts as not reachable only its lease tells.
      const heard = lastHeartbeatMs(node) ?? (await this.#leaseHeardMs(nodeName));
      if (heard === undefined || remembered === undefined) return heard ?? remembered;
      return Math.min(heard, remembered);
    } catch (error) {
      if (mustExist && isApiError(error, "NotFound")) throw nodeUnknown(nodeName);
      return remembered; // The answer is that the node is offline; since when is a courtesy.
    }
  }

  /** @throws ApiError */
  async #leaseHeardMs(nodeName: string): Promise<number | undefined> {
    const target = { resource: leases, namespace: "kube-node-lease", name: nodeName };
    const heardMs = lastHeardMs(await this.#options.api.get<Lease>(target));
    return Number.isNaN(heardMs) ? undefined : heardMs;
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
