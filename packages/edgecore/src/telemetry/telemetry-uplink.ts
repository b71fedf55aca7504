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
import type { RingSegment, SampleRing } from "./sample-ring.ts";

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

/** The cloud has all up to the sequence, which it has said of the stream `confirmedIn`, and was asked for the stream. */
interface Position {
  readonly stream: string | undefined;
  readonly sequence: number;
  readonly confirmedIn: string | undefined;
}

const FROM_THE_START: Position = { stream: undefined, sequence: 0, confirmedIn: undefined };

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
  /** How far the cloud is, by what it has said in this session; undefined until then. */
  #position: Position | undefined;
  /** Ends the pause after a failure. */
  #resting: AbortController | undefined;
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
        this.#position = undefined;
        this.#retry.reset();
        // Another CloudCore, or another version of it, may take what this one has refused.
        this.#resting?.abort();
        this.#wake.resolve();
      }),
    );
    this.#running ??= this.#run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped.abort();
    this.#resting?.abort();
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

  /** Returns whether there may be more to send. */
  async #sendNext(): Promise<boolean> {
    const { ring } = this.#ports;
    this.#position ??= await this.#findPosition();
    const { sequence, stream, confirmedIn } = this.#position;
    const segment = ring.segmentAfter(sequence);
    if (segment === undefined) return false;
    if (segment.stream === stream) return await this.#send(segment, sequence, confirmedIn);
    // What the cloud has of the stream may have come to it before this session.
    const cursor = await this.#askCursor(segment);
    if (cursor > sequence) this.#moveTo(segment, cursor);
    else this.#moveTo(segment, sequence, confirmedIn);
    return true;
  }

  async #send(segment: RingSegment, cursor: number, confirmedIn: string | undefined): Promise<boolean> {
    const { ring, clock } = this.#ports;
    const blocks = ring.blocksAfter(cursor, segment, this.#batchBytes);
    const newest = blocks.at(-1);
    if (newest === undefined) return false;
    const startedMs = clock.monotonicMs();
    const answered = await this.#request("append", appendContent(segment, cursor, blocks, confirmedIn));
    const tookMs = clock.monotonicMs() - startedMs;
    if (tookMs < FAST_ANSWER_MS) this.#batchBytes = Math.min(LARGEST_BATCH_BYTES, 2 * this.#batchBytes);
    if (tookMs > SLOW_ANSWER_MS) this.#batchBytes = Math.max(SMALLEST_BATCH_BYTES, this.#batchBytes / 2);
    this.#retry.reset();
    this.#toldRefusal = false;
    this.#sentCount += Math.max(0, answered - cursor);
    const last = lastSequenceOf(newest);
    if (answered < last) throw cloudRefusesSamples(`it stored them up to ${answered} only`);
    this.#moveTo(segment, last);
    return true;
  }

  /** The cloud has all up to `sequence`, and was asked for the segment's stream. */
  #moveTo({ stream }: RingSegment, sequence: number, confirmedIn: string | undefined = stream): void {
    this.#ports.ring.acknowledge(sequence);
    // A session that ended meanwhile has taken the position back.
    if (this.#position !== undefined) this.#position = { stream, sequence, confirmedIn };
  }

  /**
   * Where to go on in a new session. As a rule that is where it stood: the cloud is asked for the newest stream of which it
   * has confirmed something. Does it have less of it now, it has lost its samples, and is asked for each stream.
   */
  async #findPosition(): Promise<Position> {
    const { ring } = this.#ports;
    const segment = ring.segmentOf(ring.acknowledged);
    if (segment === undefined) return FROM_THE_START;
    const sequence = await this.#askCursor(segment);
    const { stream } = segment;
    return sequence < ring.acknowledged ? FROM_THE_START : { stream, sequence, confirmedIn: stream };
  }

  /** How far the cloud has this segment; 0 when it has nothing of it. */
  async #askCursor({ stream, last }: RingSegment): Promise<number> {
    const { ring } = this.#ports;
    const cursor = await this.#request("query", queryContent(stream));
    if (cursor > ring.last && stream === ring.stream) {
      this.#logger.warn(
        "The cloud has newer samples of this node than the node itself, which was set back; a new series begins",
        { cloud: cursor, node: ring.last },
      );
      ring.renew();
    }
    return Math.min(cursor, last);
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
    this.#position = undefined;
    const { cloudLink, clock } = this.#ports;
    if (isSkerryError(error, "LINK_DISCONNECTED") && cloudLink.state.kind !== "connected") return;
    const delayMs = this.#retry.nextDelayMs();
    const say = this.#toldRefusal ? "debug" : "warn";
    this.#toldRefusal = true;
    this.#logger[say]("Samples wait at the edge: the cloud does not take them just now", {
      delayMs,
      reason: describeError(error),
    });
    this.#resting = new AbortController();
    await sleep(clock, delayMs, this.#resting.signal);
  }
}
