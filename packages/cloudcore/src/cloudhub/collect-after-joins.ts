import type { Clock, Timer } from "@skerry/base";
import type { CloudHubPort } from "./cloud-hub-port.ts";

/** What {@link CollectAfterJoins} lives on. */
export interface CollectAfterJoinsOptions {
  readonly cloudHub: Pick<CloudHubPort, "onSession" | "connectedNodes">;
  readonly clock: Clock;
  /** Collects all garbage at once, and gives memory back; nothing else runs meanwhile (some tenths of a second). */
  readonly collectGarbage: () => void;
}

/** Without another session for so long the storm is over. */
const QUIET_MS = 10_000;
/** Fewer new sessions leave too little behind. */
const LEAST_SESSIONS = 50;
/** Nor is a storm what only a small part of the nodes takes part in: the pause grows with all of them. */
const LEAST_SHARE = 0.1;

/**
 * Has garbage collected when many nodes have come. What enrolment and handshakes leave behind is some ten kilobytes a node,
 * and CloudCore does too little afterwards for it to be collected soon.
 */
export class CollectAfterJoins implements Disposable {
  readonly #options: CollectAfterJoinsOptions;
  readonly #subscription: Disposable;
  #sessions = 0;
  #timer: Timer | undefined;

  constructor(options: CollectAfterJoinsOptions) {
    this.#options = options;
    this.#subscription = options.cloudHub.onSession(({ kind }) => {
      if (kind === "opened") this.#opened();
    });
  }

  [Symbol.dispose](): void {
    this.#subscription[Symbol.dispose]();
    this.#timer?.cancel();
  }

  #opened(): void {
    this.#sessions++;
    this.#timer?.cancel();
    this.#timer = this.#options.clock.setTimer(QUIET_MS, () => this.#collect());
  }

  #collect(): void {
    const { cloudHub, collectGarbage } = this.#options;
    this.#timer = undefined;
    if (this.#sessions < Math.max(LEAST_SESSIONS, LEAST_SHARE * cloudHub.connectedNodes.size)) return;
    this.#sessions = 0;
    collectGarbage();
  }
}
