import type { Container } from "@skerry/api";
import type { Clock } from "@skerry/base";
import type { WaitReason } from "./container-status.ts";

/** Delays between tries to have an image. */
const FIRST_PULL_DELAY_MS = 10_000;
const LONGEST_PULL_DELAY_MS = 5 * 60_000;
/** Delay between tries to have a configuration; whatever it waits for wakes the pod anyway when it comes. */
const CONFIGURATION_RETRY_MS = 5000;

interface FailedStart {
  readonly wait: WaitReason;
  readonly tries: number;
  readonly untilMs: number;
  readonly pull: boolean;
}

/** The containers of one pod that could not be started, and when they are tried again. */
export class FailedStarts {
  readonly #clock: Clock;
  readonly #failed = new Map<string, FailedStart>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes a failure; returns how often it has happened in a row. */
  add(container: Container, wait: WaitReason, pull: boolean): number {
    const tries = (this.#failed.get(container.name)?.tries ?? 0) + 1;
    const delayMs = pull
      ? Math.min(LONGEST_PULL_DELAY_MS, FIRST_PULL_DELAY_MS * 2 ** (tries - 1))
      : CONFIGURATION_RETRY_MS;
    const shown =
      wait.reason === "ErrImagePull" && tries > 1
        ? {
            reason: "ImagePullBackOff",
            message: `Back-off pulling image "${container.image ?? ""}": ErrImagePull: ${wait.message}`,
          }
        : wait;
    const untilMs = this.#clock.monotonicMs() + delayMs;
    this.#failed.set(container.name, { wait: shown, tries, untilMs, pull });
    return tries;
  }

  started(name: string): void {
    this.#failed.delete(name);
  }

  /** Whether the container must still wait. */
  mustWait(name: string): boolean {
    return (this.#failed.get(name)?.untilMs ?? 0) > this.#clock.monotonicMs();
  }

  /** Time until the first of them may be tried again. */
  get untilNextMs(): number {
    let firstMs = Number.POSITIVE_INFINITY;
    for (const { untilMs } of this.#failed.values()) firstMs = Math.min(firstMs, untilMs);
    return firstMs - this.#clock.monotonicMs();
  }

  /** Why containers wait, of those that are still wanted; the others are forgotten. */
  *reasons(wanted: ReadonlySet<string>): Generator<[name: string, wait: WaitReason]> {
    for (const [name, { wait }] of this.#failed) {
      if (wanted.has(name)) yield [name, wait];
      else this.#failed.delete(name);
    }
  }

  /** All may be tried again at once. */
  retryAll(): void {
    this.#failed.clear();
  }

  /** Those that failed for another reason than their image may be tried again at once. */
  retryConfigurations(): void {
    for (const [name, { pull }] of this.#failed) if (!pull) this.#failed.delete(name);
  }
}
