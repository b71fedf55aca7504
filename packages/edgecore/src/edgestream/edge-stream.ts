import { type Clock, describeError, type Logger, type Random, RetrySchedule, sleep } from "@skerry/base";
import { Multiplexer, NODE_NAME_HEADER, TUNNEL_PATH, type TunnelDialer } from "@skerry/streams";
import type { PodStreams } from "./pod-streams.ts";

export interface EdgeStreamPorts {
  readonly dialer: TunnelDialer;
  readonly podStreams: Pick<PodStreams, "serve">;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

export interface EdgeStreamOptions {
  /** `host:port` of CloudStream's tunnel port. */
  readonly server: string;
  readonly nodeName: string;
}

/** The first dial after a loss is almost immediate, as KubeEdge's is (security.md 11.3). */
const RETRY = { initialMs: 500, maximumMs: 10_000 };

/** Keeps the node's tunnel to CloudStream: the edge only dials out, and no port is open on the node for it. */
export class EdgeStream implements AsyncDisposable {
  readonly #ports: EdgeStreamPorts;
  readonly #options: EdgeStreamOptions;
  readonly #logger: Logger;
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(ports: EdgeStreamPorts, options: EdgeStreamOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#logger = ports.logger.child("edgestream");
  }

  /** Begins to dial; the node's certificate must be there. */
  start(): void {
    this.#running = this.#run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, random } = this.#ports;
    const { signal } = this.#stopping;
    const retry = new RetrySchedule(RETRY, random);
    while (!signal.aborted) {
      try {
        await this.#session(() => retry.reset());
      } catch (error) {
        if (signal.aborted) return;
        if (retry.attempt === 0)
          this.#logger.warn("No stream tunnel to the cloud; kubectl logs and exec do not work meanwhile", {
            error: describeError(error),
          });
      }
      await sleep(clock, retry.nextDelayMs(), signal).catch(() => undefined);
    }
  }

  /** One tunnel from its dial to its end. */
  async #session(onOpen: () => void): Promise<void> {
    const { dialer, podStreams, clock } = this.#ports;
    const { server, nodeName } = this.#options;
    const { signal } = this.#stopping;
    const connection = await dialer.dial(`wss://${server}${TUNNEL_PATH}`, { [NODE_NAME_HEADER]: nodeName }, signal);
    onOpen();
    const tunnel = new Multiplexer({
      connection,
      clock,
      logger: this.#logger,
      serve: (request, stream) => podStreams.serve(request, stream, connection.speaksSkerry),
    });
    this.#logger.info("The stream tunnel to the cloud is open", { server });
    const stop = (): void => tunnel.close("the node stops");
    signal.addEventListener("abort", stop, { once: true });
    const ended = new Promise<void>((resolve) =>
      tunnel.ended.addEventListener("abort", () => resolve(), { once: true }),
    );
    tunnel.start();
    if (signal.aborted) stop();
    await ended;
    signal.removeEventListener("abort", stop);
    const reason = tunnel.ended.reason instanceof Error ? tunnel.ended.reason.message : "";
    this.#logger.info("The stream tunnel to the cloud has ended", { reason });
  }
}
