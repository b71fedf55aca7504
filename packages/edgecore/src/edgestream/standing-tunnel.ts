import { describeError, type Random, RetrySchedule, sleep } from "@skerry/base";
import { type FrameConnection, NODE_NAME_HEADER, TUNNEL_PATH, type TunnelDialer } from "@skerry/streams";
import { CloudAddresses } from "../cloud-addresses.ts";
import { serveTunnel, type TunnelSessionPorts } from "./tunnel-session.ts";

export interface StandingTunnelPorts extends TunnelSessionPorts {
  readonly dialer: TunnelDialer;
  readonly random: Random;
}

export interface StandingTunnelOptions {
  /** `host:port` of CloudStream's tunnel port, or of its replicas: see {@link CloudAddresses}. At least one. */
  readonly servers: readonly string[];
  readonly nodeName: string;
}

/** The first dial after a loss is almost immediate, as KubeEdge's is (security.md 11.3). */
const RETRY = { initialMs: 500, maximumMs: 10_000 };
/** A machine that is off answers nothing: the next address is not kept waiting for it. */
const HURRIED_DIAL_TIMEOUT_MS = 3_000;
/** Before the next address is tried, when one could not be dialled; plus as much again at random. */
const NEXT_ADDRESS_MS = 100;

/** Keeps a tunnel open to a cloud that never asks for one, as KubeEdge's (security.md 11.3). */
export class StandingTunnel implements AsyncDisposable {
  readonly #ports: StandingTunnelPorts;
  readonly #options: StandingTunnelOptions;
  readonly #addresses: CloudAddresses;
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(ports: StandingTunnelPorts, options: StandingTunnelOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#addresses = new CloudAddresses(options.servers, ports.random);
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
        await this.#session(() => {
          retry.reset();
          this.#addresses.succeeded();
        });
      } catch (error) {
        if (signal.aborted) return;
        if (this.#addresses.failed()) {
          await sleep(clock, Math.round(NEXT_ADDRESS_MS * (1 + random.float())), signal).catch(() => undefined);
          continue;
        }
        if (retry.attempt === 0)
          this.#ports.logger.warn("No stream tunnel to the cloud; kubectl logs and exec do not work meanwhile", {
            error: describeError(error),
          });
      }
      await sleep(clock, retry.nextDelayMs(), signal).catch(() => undefined);
    }
  }

  /** One tunnel from its dial to its end. */
  async #session(onOpen: () => void): Promise<void> {
    const { logger } = this.#ports;
    const server = this.#addresses.current;
    const connection = await this.#dial(server);
    onOpen();
    logger.info("The stream tunnel to the cloud is open", { server });
    const reason = await serveTunnel(connection, this.#ports, this.#stopping.signal);
    logger.info("The stream tunnel to the cloud has ended", { reason });
  }

  async #dial(server: string): Promise<FrameConnection> {
    const { dialer, clock } = this.#ports;
    const dialing = new AbortController();
    const hurry = this.#addresses.hasUntried
      ? clock.setTimer(HURRIED_DIAL_TIMEOUT_MS, () => dialing.abort(new Error(`${server} did not answer in time`)))
      : undefined;
    const signal = AbortSignal.any([this.#stopping.signal, dialing.signal]);
    try {
      const headers = { [NODE_NAME_HEADER]: this.#options.nodeName };
      return await dialer.dial(`wss://${server}${TUNNEL_PATH}`, headers, signal);
    } finally {
      hurry?.cancel();
    }
  }
}
