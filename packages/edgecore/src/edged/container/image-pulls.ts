import { type Clock, ConcurrencyLimit, sleep, unlessAborted } from "@skerry/base";
import type { ContainerRuntime, IncomingPart } from "../ports.ts";
import { IncomingBytes } from "./incoming-bytes.ts";

/** When nothing at all has arrived for so long, pulls no longer keep others waiting. */
const STILL_MS = 30_000;
const LOOK_MS = 2000;
const FIRST_NOTICE_MS = 10_000;
const LONGEST_PAUSE_MS = 60_000;

/** Tells how a pull gets on: one line for people, from 10 s on, then ever more rarely, up to once a minute. */
export type PullNotice = (message: string) => void;

interface Pull {
  readonly image: string;
  readonly startedMs: number;
  readonly notice: PullNotice;
  isWaiting: boolean;
  nextNoticeMs: number;
  pauseMs: number;
}

/**
 * Pulls images a few at a time, in the order they are asked for, and tells how those get on that take long. A pull keeps
 * its place as long as anything arrives: one that hangs delays its own pod, not those behind it.
 */
export class ImagePulls {
  readonly #runtime: Pick<ContainerRuntime, "incomingParts">;
  readonly #clock: Clock;
  readonly #places: ConcurrencyLimit;
  readonly #pulls = new Set<Pull>();
  readonly #bytes = new IncomingBytes();
  /** The runtime does not tell parts. */
  #isSilent = false;
  #movedMs = 0;
  /** Stops looking; set while there are pulls. */
  #watching: AbortController | undefined;

  /** @param atOnce so many pulls are under way at the same time, not counting those that hang */
  constructor(runtime: Pick<ContainerRuntime, "incomingParts">, clock: Clock, atOnce: number) {
    this.#places = new ConcurrencyLimit(atOnce);
    this.#runtime = runtime;
    this.#clock = clock;
  }

  /** Does the work, a pull of the image, when it is its turn. @throws the signal's reason when it is aborted before that */
  async run<T>(image: string, work: () => Promise<T>, notice: PullNotice, signal: AbortSignal): Promise<T> {
    const startedMs = this.#clock.monotonicMs();
    const pull: Pull = {
      ...{ image, startedMs, notice, isWaiting: true },
      nextNoticeMs: startedMs + FIRST_NOTICE_MS,
      pauseMs: FIRST_NOTICE_MS,
    };
    const turn = Promise.withResolvers<void>();
    const over = new AbortController();
    this.#pulls.add(pull);
    if (!this.#watching) {
      this.#watching = new AbortController();
      void this.#watch(this.#watching.signal);
    }
    void this.#places.run(async () => {
      turn.resolve();
      await this.#untilStill(over.signal);
    });
    try {
      await unlessAborted(signal, turn.promise);
      pull.isWaiting = false;
      return await work();
    } catch (error) {
      if (!pull.isWaiting) this.#bytes.pullFailed();
      throw error;
    } finally {
      over.abort();
      this.#pulls.delete(pull);
      if (this.#pulls.size === 0) {
        this.#watching?.abort();
        this.#watching = undefined;
        this.#bytes.clear();
      }
    }
  }

  /** Never rejects. */
  async #untilStill(over: AbortSignal): Promise<void> {
    const startedMs = this.#clock.monotonicMs();
    while (!over.aborted && this.#clock.monotonicMs() - Math.max(startedMs, this.#movedMs) < STILL_MS)
      await sleep(this.#clock, LOOK_MS, over).catch(() => undefined);
  }

  /** Looks every now and then until it is stopped. Never rejects. */
  async #watch(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      await this.#look(stop);
      await sleep(this.#clock, LOOK_MS, stop).catch(() => undefined);
    }
  }

  async #look(stop: AbortSignal): Promise<void> {
    let parts: readonly IncomingPart[] | undefined;
    try {
      parts = this.#isSilent ? undefined : await this.#runtime.incomingParts();
      this.#isSilent ||= parts === undefined;
    } catch {
      // How the pull itself ends is told; this is not about it.
    }
    if (stop.aborted) return;
    const nowMs = this.#clock.monotonicMs();
    if (parts && this.#bytes.look(parts)) this.#movedMs = nowMs;
    for (const pull of this.#pulls) {
      if (nowMs < pull.nextNoticeMs) continue;
      pull.notice(this.#text(pull, nowMs));
      pull.nextNoticeMs = nowMs + pull.pauseMs;
      pull.pauseMs = Math.min(LONGEST_PAUSE_MS, pull.pauseMs * 2);
    }
  }

  #text({ image, isWaiting, startedMs }: Pull, nowMs: number): string {
    const running = [...this.#pulls].filter((each) => !each.isWaiting).length;
    if (isWaiting)
      return `Waiting to pull image "${image}": ${running === 1 ? "another one is" : `${running} others are`} being pulled`;
    const seconds = Math.round((nowMs - startedMs) / 1000);
    const text = `Pulling image "${image}" for ${seconds}s`;
    const { receivedBytes, totalBytes } = this.#bytes.sum;
    if (this.#isSilent || receivedBytes === 0) return text;
    const together = running > 1 ? ` of the ${running} images that are being pulled` : "";
    return `${text}: ${amount(receivedBytes, totalBytes)} so far${together}`;
  }
}

function amount(receivedBytes: number, totalBytes: number | undefined): string {
  const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);
  return totalBytes === undefined
    ? `${megabytes(receivedBytes)} MB`
    : `${megabytes(receivedBytes)} of ${megabytes(totalBytes)} MB`;
}
