import { type Clock, describeError, type Logger, withTimeout } from "@skerry/base";
import {
  type ByteStream,
  type ConnectRequest,
  type FrameConnection,
  Multiplexer,
  readResponseHead,
} from "@skerry/streams";
import { peerSilent } from "./errors.ts";

/** Another CloudCore, as far as streams go. */
export interface StreamPeer {
  readonly name: string;
  /** `host:port` of its port for peers; undefined where it serves no streams. */
  readonly peerAddress: string | undefined;
}

export interface PeerStreamsOptions {
  /** The other CloudCores; asked for each stream that is not served here. */
  readonly peers: () => Promise<readonly StreamPeer[]>;
  /** Connects to a peer, whose certificate must be CloudCore's. */
  readonly dial: (address: string, signal: AbortSignal) => Promise<FrameConnection>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What the other CloudCores say of a node's tunnel. */
export type PeerAnswer =
  /** One has it; what comes on the stream begins with the head of an HTTP answer. */
  | { readonly kind: "serves"; open(): ByteStream }
  /** One has the node's session, and has asked it to open its tunnel. */
  | { readonly kind: "asked" }
  | { readonly kind: "none" };

/** Header that names the node whose tunnel a peer is to use. */
export const NODE_HEADER = "skerry-node";
/** Header of a question: the node is to be asked to open its tunnel. */
export const ASK_HEADER = "skerry-ask";
/** Method of the question whether a peer can serve a request; nothing is opened by it. */
export const PROBE_METHOD = "HEAD";
/** The answers to it. */
export const PEER_SERVES = 200;
export const PEER_ASKED = 202;
export const PEER_HAS_NONE = 404;
/** Streams over one connection between two CloudCores. */
export const MAX_PEER_STREAMS = 1_024;

/** How long a peer may take to answer; the others do not wait for it. */
const PROBE_TIMEOUT_MS = 3_000;
/** Who the others are is looked up again after so long. */
const PEERS_KNOWN_MS = 5_000;

interface PeerAddress {
  readonly name: string;
  readonly address: string;
}

/**
 * The way to nodes whose tunnel is at another CloudCore. The link and the tunnel of a node are two connections, which a
 * load balancer may lead to two replicas, and both move without notice; so the replicas are asked who has the tunnel,
 * all at once, instead of keeping a note of it. A peer serves only from its own tunnels, so nothing goes in circles.
 */
export class PeerStreams implements Disposable {
  readonly #options: PeerStreamsOptions;
  readonly #connections = new Map<string, Promise<Multiplexer>>();
  readonly #stopping = new AbortController();
  #known: { readonly addresses: readonly PeerAddress[]; readonly untilMs: number } | undefined;

  constructor(options: PeerStreamsOptions) {
    this.#options = options;
  }

  /** Whether there is no other CloudCore. */
  async isAlone(): Promise<boolean> {
    return (await this.#addresses()).length === 0;
  }

  /**
   * Looks for the node's tunnel at the others.
   * @param options.ask the one that has the node's session is to ask it for its tunnel
   */
  async look(nodeName: string, request: ConnectRequest, options: { readonly ask: boolean }): Promise<PeerAnswer> {
    const named = { ...request, headers: { ...request.headers, [NODE_HEADER]: [nodeName] } };
    const probes = (await this.#addresses()).map((peer) => this.#probe(peer, named, options.ask));
    let wasAsked = false;
    const serving = probes.map(async (probe) => {
      const answer = await probe;
      wasAsked ||= answer.status === PEER_ASKED;
      if (answer.status !== PEER_SERVES) throw new Error("it has no tunnel of the node");
      return answer;
    });
    try {
      const { name, tunnel } = await Promise.any(serving);
      return {
        kind: "serves",
        open: () => {
          this.#options.logger.info("A stream is led to the CloudCore that has the node's tunnel", {
            node: nodeName,
            replica: name,
          });
          return tunnel.open(named);
        },
      };
    } catch {
      return { kind: wasAsked ? "asked" : "none" };
    }
  }

  [Symbol.dispose](): void {
    this.#stopping.abort();
    for (const connection of this.#connections.values())
      void connection.then((tunnel) => tunnel.close("CloudCore stops")).catch(() => undefined);
  }

  async #addresses(): Promise<readonly PeerAddress[]> {
    const { clock, logger, peers } = this.#options;
    if (this.#known && clock.monotonicMs() < this.#known.untilMs) return this.#known.addresses;
    try {
      const addresses = (await peers()).flatMap(({ name, peerAddress }) =>
        peerAddress ? [{ name, address: peerAddress }] : [],
      );
      this.#known = { addresses, untilMs: clock.monotonicMs() + PEERS_KNOWN_MS };
      return addresses;
    } catch (error) {
      logger.warn("The other CloudCores cannot be looked up", { error: describeError(error) });
      return this.#known?.addresses ?? [];
    }
  }

  async #probe(
    { name, address }: PeerAddress,
    { headers, ...request }: ConnectRequest,
    ask: boolean,
  ): Promise<{ readonly name: string; readonly tunnel: Multiplexer; readonly status: number }> {
    const { clock, logger } = this.#options;
    const asking = async (): Promise<{ tunnel: Multiplexer; status: number }> => {
      const tunnel = await this.#connect(address);
      const question = { ...headers, ...(ask ? { [ASK_HEADER]: ["tunnel"] } : {}) };
      const stream = tunnel.open({ ...request, headers: question, method: PROBE_METHOD, kind: "exec" });
      try {
        return { tunnel, status: (await readResponseHead(stream))?.head.status ?? 0 };
      } finally {
        stream.close();
      }
    };
    try {
      return { name, ...(await withTimeout(clock, PROBE_TIMEOUT_MS, asking(), () => peerSilent(name, address))) };
    } catch (error) {
      logger.warn("Another CloudCore could not be asked for a node's streams", {
        replica: name,
        address,
        error: describeError(error),
      });
      throw error;
    }
  }

  /** The connection to a peer; made when it is first needed, and kept. */
  #connect(address: string): Promise<Multiplexer> {
    const present = this.#connections.get(address);
    if (present) return present;
    const connecting = this.#dial(address);
    this.#connections.set(address, connecting);
    const forget = (): void => {
      if (this.#connections.get(address) === connecting) this.#connections.delete(address);
    };
    connecting.then((tunnel) => {
      if (tunnel.ended.aborted) forget();
      else tunnel.ended.addEventListener("abort", forget, { once: true });
    }, forget);
    return connecting;
  }

  async #dial(address: string): Promise<Multiplexer> {
    const { dial, clock, logger } = this.#options;
    const connection = await dial(address, this.#stopping.signal);
    const tunnel = new Multiplexer({
      connection,
      clock,
      logger: logger.child("peer", { address }),
      maxStreams: MAX_PEER_STREAMS,
    });
    tunnel.start();
    return tunnel;
  }
}
