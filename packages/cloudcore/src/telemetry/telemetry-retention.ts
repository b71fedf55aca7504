import { type Clock, describeError, type Logger, sleep } from "@skerry/base";
import type { TelemetrySink } from "./telemetry-sink.ts";

/** What {@link TelemetryRetention} lives on. */
export interface TelemetryRetentionOptions {
  readonly sink: TelemetrySink;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Samples observed longer ago are removed. */
  readonly maximumAgeMs: number;
}

const PERIOD_MS = 3_600_000;

/** Removes old samples, once an hour. */
export class TelemetryRetention implements AsyncDisposable {
  readonly #options: TelemetryRetentionOptions;
  readonly #stopped = new AbortController();
  #running: Promise<void> | undefined;

  constructor(options: TelemetryRetentionOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { sink, clock, logger, maximumAgeMs } = this.#options;
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      try {
        const removed = await sink.prune(clock.now() - maximumAgeMs);
        if (removed > 0) logger.info("Old samples of devices were removed", { count: removed });
      } catch (error) {
        logger.warn("Old samples could not be removed; tried again in an hour", { reason: describeError(error) });
      }
      await sleep(clock, PERIOD_MS, signal).catch(() => undefined);
    }
  }
}
