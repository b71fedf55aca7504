import type { Clock } from "@skerry/base";

/** Where a process meets the world. */
export type PortName = "database" | "runtime" | "link" | "mqtt" | "dmi" | "api" | "sink";

/** When in a call: it has not begun; it is done but nobody has heard of it; its answer has been heard. */
export type CallPhase = "before" | "during" | "after";

/** A death that waits for a port call. */
export interface PlannedCrash {
  readonly port: PortName;
  /** At which call from now on; 1 is the next. */
  readonly calls: number;
  readonly phase: CallPhase;
  readonly crash: () => void;
}

/** Counts the calls of one machine's processes at their ports, and lets the process die at a planned one. */
export class CrashPoints {
  readonly #clock: Clock;
  #planned: PlannedCrash | undefined;
  #calls = 0;
  #isOver = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** At most one is planned: a later one takes the place of an earlier one. */
  plan(crash: PlannedCrash): void {
    this.#planned = crash;
    this.#calls = 0;
  }

  /** Nobody dies any more, not even in a call that is under way. */
  cancel(): void {
    this.#planned = undefined;
    this.#isOver = true;
  }

  /** Counts a call; returns the crash that falls due in it. */
  meet(port: PortName): PlannedCrash | undefined {
    const planned = this.#planned;
    if (planned?.port !== port || ++this.#calls < planned.calls) return undefined;
    this.#planned = undefined;
    return planned;
  }

  /** Makes a call that may be the process's last. */
  async around<T>(port: PortName, call: () => Promise<T>): Promise<T> {
    const due = this.meet(port);
    if (!due) return call();
    if (due.phase === "before") {
      due.crash();
      return new Promise(() => {});
    }
    const result = await call();
    if (this.#isOver) return result;
    if (due.phase === "during") {
      due.crash();
      return new Promise(() => {});
    }
    this.afterwards(due);
    return result;
  }

  /** The same for a call that returns at once. */
  aroundNow(port: PortName, call: () => void): void {
    const due = this.meet(port);
    if (due?.phase === "before") {
      due.crash();
      return;
    }
    call();
    if (due?.phase === "during") due.crash();
    else if (due) this.afterwards(due);
  }

  /** The answer is heard first. */
  afterwards({ crash }: PlannedCrash): void {
    this.#clock.setTimer(0, () => {
      if (!this.#isOver) crash();
    });
  }
}
