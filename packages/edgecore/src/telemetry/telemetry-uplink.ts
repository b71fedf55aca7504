import { type Clock, describeError, isSkerryError, type Logger, type Random, RetrySchedule, sleep } from "@skerry/base";
import {
  appendContent,
  errorStatusOf,
  lastSequenceOf,
  newMessage,
  queryContent,
  readTelemetryAnswer,
  type TelemetryOperation,
  telemetryRoute,
} from "@skerry/link";
import type { CloudLink } from "../edgehub/cloud-link.ts";
import { cloudRefusesSamples } from "./errors.ts";
import type { SampleRing } from "./sample-ring.ts";

/** What the uplink works with. */
export interface TelemetryUplinkPorts {
  readonly ring: SampleRing;
  readonly cloudLink: CloudLink;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Samples that come in this time travel together, when few come. */
const LINGER_MS = 500;
const ANSWER_TIMEOUT_MS = 30_000;
/** Size of one message: it grows while answers are fast and shrinks when they are slow, since others wait behind it. */
const SMALLEST_BATCH_BYTES = 4 * 1024;
const LARGEST_BATCH_BYTES = 256 * 1024;
const FAST_ANSWER_MS = 250;
const SLOW_ANSWER_MS = 1_000;

/**
 * Sends the ring's samples to the cloud, in order, one message at a time: the next leaves when the cloud has stored the
 * one before, so that everything else on the link waits for one small message at most. Only with Skerry's delivery;
 * KubeEdge's cloud has no place for samples.
 */
export class TelemetryUplink implements AsyncDisposable {
  readonly #ports: TelemetryUplinkPorts;
  readonly #logger: Logger;
  readonly #retry: RetrySchedule;
  readonly #stopped = new AbortController();
  readonly #registrations = new DisposableStack();
  #running: Promise<void> | undefined;
  #wake: PromiseWithResolvers<void> = Promise.withResolvers();
  /** The cloud has all up to this sequence; undefined until it has said so in this session. */
  #cursor: number | undefined;
  #batchBytes = 16 * 1024;
  #sentCount = 0;
  #toldRefusal = false;

  constructor(ports: TelemetryUplinkPorts) {
    this.#ports = ports;
    this.#logger = ports.logger.child("telemetry");
    this.#retry = new RetrySchedule({ initialMs: 1_000, maximumMs: 60_000 }, ports.random);
  }

  /** Samples that the cloud has confirmed since the start. */
  get sentCount(): number {
    return this.#sentCount;
  }

  /** Begins; the ring must have been started. */
  start(): void {
    const { ring, cloudLink } = this.#ports;
    this.#registrations.use(ring.onAdded(() => this.#wake.resolve()));
    this.#registrations.use(
      cloudLink.onState(() => {
        this.#cursor = undefined;
        this.#retry.reset();
        this.#wake.resolve();
      }),
    );
    this.#running ??= this.#run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped.abort();
    this.#registrations.dispose();
    this.#wake.resolve();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock } = this.#ports;
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      this.#wake = Promise.withResolvers();
      try {
        if (this.#isOpen() && (await this.#sendNext())) continue;
        await this.#wake.promise;
        await sleep(clock, LINGER_MS, signal);
      } catch (error) {
        if (signal.aborted) return;
        await this.#rest(error).catch(() => undefined);
      }
    }
  }

  #isOpen(): boolean {
    const { state } = this.#ports.cloudLink;
    return state.kind === "connected" && state.delivery === "skerry";
  }

  /** Returns whether there was something to send. */
  async #sendNext(): Promise<boolean> {
    const { ring, clock } = this.#ports;
    const cursor = this.#cursor ?? (await this.#askCursor());
    const blocks = ring.blocksAfter(cursor, this.#batchBytes);
    const newest = blocks.at(-1);
    if (newest === undefined) return false;
    const startedMs = clock.monotonicMs();
    const answered = await this.#request("append", appendContent(ring.stream, ring.base, blocks));
    const tookMs = clock.monotonicMs() - startedMs;
    if (tookMs < FAST_ANSWER_MS) this.#batchBytes = Math.min(LARGEST_BATCH_BYTES, 2 * this.#batchBytes);
    if (tookMs > SLOW_ANSWER_MS) this.#batchBytes = Math.max(SMALLEST_BATCH_BYTES, this.#batchBytes / 2);
    this.#retry.reset();
    this.#toldRefusal = false;
    this.#sentCount += Math.max(0, answered - cursor);
    ring.acknowledge(answered);
    if (answered < lastSequenceOf(newest)) throw cloudRefusesSamples(`it stored them up to ${answered} only`);
    // A session that ended meanwhile has taken the cursor back.
    if (this.#cursor !== undefined) this.#cursor = answered;
    return true;
  }

  async #askCursor(): Promise<number> {
    const { ring } = this.#ports;
    const cursor = await this.#request("query", queryContent(ring.stream));
    if (cursor > ring.last) {
      this.#logger.warn(
        "The cloud has newer samples of this node than the node itself, which was set back; a new series begins",
        {
          cloud: cursor,
          node: ring.last,
        },
      );
      await ring.renew();
      return await this.#askCursor();
    }
    this.#cursor = Math.max(cursor, ring.base);
    ring.acknowledge(this.#cursor);
    return this.#cursor;
  }

  /** @throws SkerryError `LINK_…`, `TELEMETRY_REFUSED` */
  async #request(operation: TelemetryOperation, content: ReturnType<typeof queryContent>): Promise<number> {
    const message = newMessage(this.#ports, telemetryRoute(operation), content);
    const reply = await this.#ports.cloudLink.request(message, ANSWER_TIMEOUT_MS, this.#stopped.signal);
    const answer = readTelemetryAnswer(reply.content);
    if (answer === undefined) throw cloudRefusesSamples(errorStatusOf(reply.content)?.message ?? "no reason given");
    return answer.cursor;
  }

  /** Nothing is lost by waiting: the samples stay in the ring. */
  async #rest(error: unknown): Promise<void> {
    this.#cursor = undefined;
    const { cloudLink, clock } = this.#ports;
    if (isSkerryError(error, "LINK_DISCONNECTED") && cloudLink.state.kind !== "connected") return;
    const delayMs = this.#retry.nextDelayMs();
    const say = this.#toldRefusal ? "debug" : "warn";
    this.#toldRefusal = true;
    this.#logger[say]("Samples wait at the edge: the cloud does not take them just now", {
      delayMs,
      reason: describeError(error),
    });
    await sleep(clock, delayMs, this.#stopped.signal);
  }
}
