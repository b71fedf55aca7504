import {
  type Clock,
  describeError,
  type Logger,
  type Random,
  type RetryPolicy,
  RetrySchedule,
  type Timer,
} from "@skerry/base";

/** What a loop runs on. */
export interface SyncLoopPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/**
 * Runs one piece of work again and again, never twice at the same time: when woken, when the work asks for it (it
 * returns after how many milliseconds, or undefined for "only when woken"), and after a failure with growing delays.
 */
export class SyncLoop implements AsyncDisposable {
  readonly #ports: SyncLoopPorts;
  readonly #what: string;
  readonly #work: () => Promise<number | undefined>;
  readonly #retry: RetrySchedule;
  #wanted = false;
  #running: Promise<void> | undefined;
  #timer: Timer | undefined;
  #stopped = false;
  #lastError = "";

  /** @param what names the work in the log */
  constructor(ports: SyncLoopPorts, what: string, retry: RetryPolicy, work: () => Promise<number | undefined>) {
    this.#ports = ports;
    this.#what = what;
    this.#work = work;
    this.#retry = new RetrySchedule(retry, ports.random);
  }

  /** Runs the work as soon as possible; if it is running, once more after that. */
  wake(): void {
    if (this.#stopped) return;
    this.#wanted = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      if (this.#wanted) this.wake();
    });
  }

  /** No further work begins; resolves when the one under way is over. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped = true;
    this.#wanted = false;
    this.#timer?.cancel();
    await this.#running;
  }

  async #run(): Promise<void> {
    // A turn later, so that several wakes of one moment are one run.
    await Promise.resolve();
    while (this.#wanted && !this.#stopped) {
      this.#wanted = false;
      let delayMs: number | undefined;
      try {
        delayMs = await this.#work();
        this.#retry.reset();
        this.#lastError = "";
      } catch (error) {
        if (this.#stopped) return;
        delayMs = this.#retry.nextDelayMs();
        this.#log(describeError(error), delayMs);
      }
      if (delayMs !== undefined && !this.#wanted && !this.#stopped) {
        this.#timer?.cancel();
        this.#timer = this.#ports.clock.setTimer(delayMs, () => this.wake());
      }
    }
  }

  /** The same error again and again is one line. */
  #log(error: string, retryInMs: number): void {
    if (error === this.#lastError) this.#ports.logger.debug(`${this.#what} failed again`, { error, retryInMs });
    else this.#ports.logger.warn(`${this.#what} failed; it is tried again`, { error, retryInMs });
    this.#lastError = error;
  }
}
