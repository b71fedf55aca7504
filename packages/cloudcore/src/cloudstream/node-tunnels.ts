import { type Clock, Listeners, type Logger, sleep } from "@skerry/base";
import { type AcceptedTunnel, Multiplexer } from "@skerry/streams";
import type { NodeRenewal } from "../cloudhub/index.ts";
import { CertificateEnd } from "./certificate-end.ts";

export interface NodeTunnelsOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Tunnels at once. */
  readonly nodeLimit: number;
  /** Streams open at once to one node. @default 64 */
  readonly maxStreamsPerNode?: number;
  /** Asks a connected node to open its tunnel; false for one that keeps it open by itself, or is not connected. */
  readonly askForTunnel: (nodeName: string) => boolean;
}

/** What the streams of all tunnels come to. */
export interface StreamLoad {
  readonly openStreams: number;
  /** Since the start, those of tunnels that have ended too. */
  readonly refusedStreams: number;
  /** What came from nodes and was not read yet. */
  readonly waitingBytes: number;
}

/** A tunnel that was asked for is closed when no stream has used it for so long. */
const IDLE_MS = 60_000;
/** Nodes whose last contact is remembered beyond those connected; of more the longest silent are forgotten. */
const REMEMBERED_NODES = 5_000;

/**
 * The nodes' stream tunnels, one each. Skerry's nodes open theirs when they are asked for it and it is closed when it is
 * idle, so that an idle node costs one connection; KubeEdge's keep theirs open.
 */
export class NodeTunnels implements Disposable {
  readonly #options: NodeTunnelsOptions;
  readonly #tunnels = new Map<string, Multiplexer>();
  readonly #certificateEnds = new WeakMap<Multiplexer, CertificateEnd>();
  readonly #offlineSinceMs = new Map<string, number>();
  readonly #arrivals: Listeners<string>;
  #refusedCount = 0;
  /** Of tunnels that have ended. */
  #refusedStreams = 0;

  constructor(options: NodeTunnelsOptions) {
    this.#options = options;
    this.#arrivals = new Listeners((error) =>
      options.logger.error("A wait for a tunnel failed", { reason: String(error) }),
    );
  }

  /** Nodes with an open tunnel. */
  get nodes(): ReadonlySet<string> {
    return new Set(this.#tunnels.keys());
  }

  /** Tunnels that were beyond the limit. */
  get refusedCount(): number {
    return this.#refusedCount;
  }

  get load(): StreamLoad {
    let [openStreams, refusedStreams, waitingBytes] = [0, this.#refusedStreams, 0];
    for (const { status } of this.#tunnels.values()) {
      openStreams += status.openStreams;
      refusedStreams += status.refusedStreams;
      waitingBytes += status.waitingBytes;
    }
    return { openStreams, refusedStreams, waitingBytes };
  }

  /**
   * When the tunnel ended that a node keeps open while it is connected, wall clock in ms; undefined while it has one, and
   * when it never had. That a tunnel ends which was asked for says nothing of the node.
   */
  offlineSinceMs(nodeName: string): number | undefined {
    return this.#offlineSinceMs.get(nodeName);
  }

  /** Ends the tunnel of a node that may no longer be here. */
  expel(nodeName: string, reason: string): void {
    this.#tunnels.get(nodeName)?.close(reason);
  }

  /** A node has a new certificate: a tunnel that was opened with the one before lives on, until the new one's end. */
  noteRenewal(renewal: NodeRenewal): void {
    const tunnel = this.#tunnels.get(renewal.nodeName);
    if (tunnel) this.#certificateEnds.get(tunnel)?.noteRenewal(renewal);
  }

  /** Takes over a tunnel; it ends the node's older one. */
  accept({ connection, peer, onDemand }: AcceptedTunnel): void {
    const nodeName = peer.name;
    const { clock, logger, nodeLimit, maxStreamsPerNode } = this.#options;
    const before = this.#tunnels.get(nodeName);
    if (!before && this.#tunnels.size >= nodeLimit) {
      this.#refusedCount++;
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
    tunnel.ended.addEventListener("abort", () => this.#ended(nodeName, tunnel, onDemand === true), {
      once: true,
    });
    tunnel.start();
    logger.info("The stream tunnel of a node is open", { node: nodeName, onDemand: onDemand === true });
    if (onDemand) void this.#closeWhenIdle(tunnel);
    const certificateEnd = new CertificateEnd({ tunnel, peer, clock });
    this.#certificateEnds.set(tunnel, certificateEnd);
    void certificateEnd.watch();
    this.#arrivals.emit(nodeName);
  }

  /** The node's tunnel, if it is open. */
  get(nodeName: string): Multiplexer | undefined {
    const tunnel = this.#tunnels.get(nodeName);
    return tunnel && this.#certificateEnds.get(tunnel)?.isOver() ? undefined : tunnel;
  }

  /** Asks the node to open its tunnel; false for one that keeps it open by itself, or is not connected. */
  ask(nodeName: string): boolean {
    return this.#options.askForTunnel(nodeName);
  }

  /** Resolves when the node has opened its tunnel; without one after `withinMs`. */
  arrival(nodeName: string, withinMs: number): Promise<Multiplexer | undefined> {
    const { clock } = this.#options;
    return new Promise((resolve) => {
      const finish = (): void => {
        timer.cancel();
        listening[Symbol.dispose]();
        resolve(this.#tunnels.get(nodeName));
      };
      const timer = clock.setTimer(withinMs, finish);
      const listening = this.#arrivals.add((arrived) => {
        if (arrived === nodeName) finish();
      });
    });
  }

  [Symbol.dispose](): void {
    for (const tunnel of [...this.#tunnels.values()]) tunnel.close("CloudCore stops");
  }

  async #closeWhenIdle(tunnel: Multiplexer): Promise<void> {
    const { clock } = this.#options;
    let idle = false;
    let streamCount = 0;
    while (!tunnel.ended.aborted) {
      await sleep(clock, IDLE_MS / 2, tunnel.ended).catch(() => undefined);
      const { openStreams, openedStreams } = tunnel.status;
      const isUnused = openStreams === 0 && openedStreams === streamCount;
      if (isUnused && idle) tunnel.close("no stream uses it");
      idle = isUnused;
      streamCount = openedStreams;
    }
  }

  #ended(nodeName: string, tunnel: Multiplexer, onDemand: boolean): void {
    this.#refusedStreams += tunnel.status.refusedStreams;
    if (this.#tunnels.get(nodeName) !== tunnel) return;
    this.#tunnels.delete(nodeName);
    const { clock, logger } = this.#options;
    if (!onDemand) this.#offlineSinceMs.set(nodeName, clock.now());
    const [oldest] = this.#offlineSinceMs.keys();
    if (this.#offlineSinceMs.size > REMEMBERED_NODES && oldest !== undefined) this.#offlineSinceMs.delete(oldest);
    const reason = tunnel.ended.reason instanceof Error ? tunnel.ended.reason.message : "";
    logger.info("The stream tunnel of a node has ended", { node: nodeName, reason });
  }
}
