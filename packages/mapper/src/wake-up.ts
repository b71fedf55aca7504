import type { Clock, Timer } from "@skerry/base";

/** A pause of one waiter that ends by time or when somebody has something to do for it, whichever comes first. */
export class WakeUp {
  readonly #clock: Clock;
  #woken = false;
  #end: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Ends the pause, or the next one when none is under way. */
  wake(): void {
    this.#woken = true;
    this.#end?.();
  }

  /** Resolves after `delayMs` or when woken; with undefined only when woken. */
  wait(delayMs: number | undefined): Promise<void> {
    return new Promise((resolve) => {
      let timer: Timer | undefined;
      this.#end = () => {
        timer?.cancel();
        this.#end = undefined;
        this.#woken = false;
        resolve();
      };
      if (this.#woken) this.#end();
      else if (delayMs !== undefined) timer = this.#clock.setTimer(Math.max(0, delayMs), () => this.#end?.());
    });
  }
}
