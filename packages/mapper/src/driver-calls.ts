import { aborted, type Clock, type Logger, type Random, withTimeout } from "@skerry/base";
import type { DriverContext } from "./driver.ts";
import { driverHangs, driverStuck } from "./errors.ts";

/** Calls that hang are given up, but they still hold what they hold; more than so many a device does not get. */
const MAXIMUM_HANGING = 3;
const CLOSE_TIMEOUT_MS = 2_000;

/**
 * Calls the driver of one device in such a way that one that throws or hangs harms nobody else. One that never gives
 * back control (an endless loop) cannot be helped within a process.
 */
export class DriverCalls {
  readonly #parts: { readonly clock: Clock; readonly random: Random; readonly logger: Logger };
  readonly #deviceId: string;
  readonly #timeoutMs: number;
  readonly #stopped = Promise.withResolvers<never>();
  #hanging = 0;

  constructor(
    deviceId: string,
    timeoutMs: number,
    parts: { readonly clock: Clock; readonly random: Random; readonly logger: Logger },
  ) {
    this.#deviceId = deviceId;
    this.#timeoutMs = timeoutMs;
    this.#parts = parts;
    this.#stopped.promise.catch(() => undefined);
  }

  /** Gives up the call under way: the device goes. Only `close` is called afterwards. */
  stop(): void {
    this.#stopped.reject(aborted());
  }

  /** @throws `DRIVER_HANGS`, `DRIVER_STUCK`, `ABORTED`, or what the driver throws */
  async call<T>(name: string, work: (context: DriverContext) => Promise<T>): Promise<T> {
    if (this.#hanging >= MAXIMUM_HANGING) throw driverStuck(this.#hanging);
    return await this.#guarded(name, this.#timeoutMs, work, this.#stopped.promise);
  }

  /** Lets the driver give back what a device held; for a short time, since others may wait for it. */
  close(work: () => Promise<void>): Promise<void> {
    return this.#guarded("close", Math.min(this.#timeoutMs, CLOSE_TIMEOUT_MS), work);
  }

  async #guarded<T>(
    name: string,
    timeoutMs: number,
    work: (context: DriverContext) => Promise<T>,
    stopped?: Promise<never>,
  ): Promise<T> {
    const ended = new AbortController();
    const running = Promise.resolve().then(() => work(this.context(ended.signal)));
    let settled = false;
    const settle = (): void => {
      settled = true;
    };
    running.then(settle, settle);
    try {
      const ending = stopped === undefined ? running : Promise.race([running, stopped]);
      return await withTimeout(this.#parts.clock, timeoutMs, ending, () => driverHangs(name, timeoutMs));
    } finally {
      if (!settled) {
        this.#hanging++;
        const release = (): void => {
          this.#hanging--;
        };
        running.then(release, release);
        ended.abort();
      }
    }
  }

  /** What a driver gets with a call. */
  context(signal: AbortSignal): DriverContext {
    return { deviceId: this.#deviceId, signal, ...this.#parts };
  }
}
