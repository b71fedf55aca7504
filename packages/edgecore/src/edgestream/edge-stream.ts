import { abortReason, type Clock, describeError, type Logger, type Random } from "@skerry/base";
import { NODE_NAME_HEADER, TUNNEL_PATH, type TunnelDialer } from "@skerry/streams";
import type { CloudLink, CloudLinkState, DownstreamHandler } from "../edgehub/cloud-link.ts";
import type { PodStreams } from "./pod-streams.ts";
import { StandingTunnel } from "./standing-tunnel.ts";
import { serveTunnel } from "./tunnel-session.ts";

export interface EdgeStreamPorts {
  readonly dialer: TunnelDialer;
  readonly cloudLink: Pick<CloudLink, "state" | "onState">;
  readonly podStreams: Pick<PodStreams, "serve">;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

export interface EdgeStreamOptions {
  /** `host:port` of a tunnel port of its own, or of its replicas: for clouds that take no tunnel on the session's port. */
  readonly servers: readonly string[];
  readonly nodeName: string;
}

/** A request for a tunnel that comes so soon after one was opened was sent before that. */
const ASKED_TOGETHER_MS = 3_000;

/**
 * The node's tunnel for logs, exec, …: the edge only dials out, and no port is open on the node for it. Skerry's cloud
 * asks for it when it is needed, on the port of the session; for any other cloud one is kept open.
 */
export class EdgeStream implements DownstreamHandler, AsyncDisposable {
  readonly #ports: EdgeStreamPorts;
  readonly #options: EdgeStreamOptions;
  readonly #stopping = new AbortController();
  #subscription: Disposable | undefined;
  #standing: StandingTunnel | undefined;
  #changing: Promise<void> = Promise.resolve();
  /** Ends the tunnel that the cloud asked for last. */
  #newest = new AbortController();
  #dialling: Promise<void> | undefined;
  /** When the tunnel that was asked for last was opened, monotonic. */
  #openedMs = Number.NEGATIVE_INFINITY;
  readonly #serving = new Set<Promise<void>>();

  constructor(ports: EdgeStreamPorts, options: EdgeStreamOptions) {
    this.#ports = { ...ports, logger: ports.logger.child("edgestream") };
    this.#options = options;
  }

  /** Begins to follow the link; the node's certificate must be there. */
  start(): void {
    this.#subscription = this.#ports.cloudLink.onState((state) => this.#follow(state));
    this.#follow(this.#ports.cloudLink.state);
  }

  /** The cloud asks for the tunnel. */
  async handle(): Promise<void> {
    const { state } = this.#ports.cloudLink;
    if (state.kind !== "connected" || state.tunnelServer === undefined || this.#stopping.signal.aborted) return;
    // Asked for by several at once, before it came: another tunnel would end this one, with their streams.
    if (this.#serving.size > 0 && this.#ports.clock.monotonicMs() < this.#openedMs + ASKED_TOGETHER_MS) return;
    this.#dialling ??= this.#open(state.tunnelServer).finally(() => {
      this.#dialling = undefined;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#subscription?.[Symbol.dispose]();
    this.#stopping.abort();
    this.#newest.abort();
    await this.#changing;
    await this.#standing?.[Symbol.asyncDispose]();
    await this.#dialling;
    await Promise.all(this.#serving);
  }

  #follow(state: CloudLinkState): void {
    if (state.kind !== "connected" || this.#stopping.signal.aborted) return;
    const isWanted = state.tunnelServer === undefined && this.#options.servers.length > 0;
    if (isWanted && !this.#standing) {
      this.#standing = new StandingTunnel(this.#ports, this.#options);
      this.#standing.start();
    } else if (!isWanted && this.#standing) {
      const before = this.#standing;
      this.#standing = undefined;
      this.#changing = this.#changing.then(() => before[Symbol.asyncDispose]());
    }
  }

  /** Opens the tunnel; the cloud asks again if it needs one that failed. A new one ends the one before. */
  async #open(server: string): Promise<void> {
    const { dialer, logger } = this.#ports;
    const { signal } = this.#stopping;
    try {
      const headers = { [NODE_NAME_HEADER]: this.#options.nodeName };
      const connection = await dialer.dial(`wss://${server}${TUNNEL_PATH}`, headers, signal);
      if (signal.aborted) {
        connection.close("the node stops");
        throw abortReason(signal);
      }
      this.#newest.abort();
      this.#newest = new AbortController();
      this.#openedMs = this.#ports.clock.monotonicMs();
      logger.info("The stream tunnel to the cloud is open", { server });
      const serving = serveTunnel(connection, this.#ports, this.#newest.signal).then((reason) => {
        logger.info("The stream tunnel to the cloud has ended", { reason });
        this.#serving.delete(serving);
      });
      this.#serving.add(serving);
    } catch (error) {
      if (signal.aborted) return;
      logger.warn("The stream tunnel that the cloud asked for could not be opened", {
        server,
        error: describeError(error),
      });
    }
  }
}
