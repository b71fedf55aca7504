import type { Clock, Timer } from "@skerry/base";
import type { CloudHubPort } from "./cloud-hub-port.ts";

/** What {@link CollectAfterJoins} lives on. */
export interface CollectAfterJoinsOptions {
  readonly cloudHub: Pick<CloudHubPort, "onSession" | "connectedNodes">;
  readonly clock: Clock;
  /** Collects all garbage at once, and gives memory back; nothing else runs meanwhile (some tenths of a second). */
  readonly collectGarbage: () => void;
}

/** How often it is looked whether a storm is over. */
const LOOK_MS = 10_000;
/**
 * It is when no more than this part of its sessions came since the last look: in a large fleet some nodes always come. One
 * that never slows down counts as over at every tenth look.
 */
const TRICKLE_SHARE = 0.1;
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
  /** Of the present storm, or trickle. */
  #sessions = 0;
  /** Of these, since the last look. */
  #recent = 0;
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
    this.#recent++;
    this.#timer ??= this.#lookLater();
  }

  #lookLater(): Timer {
    return this.#options.clock.setTimer(LOOK_MS, () => this.#look());
  }

  #look(): void {
    const { cloudHub, collectGarbage } = this.#options;
    const [sessions, recent] = [this.#sessions, this.#recent];
    this.#recent = 0;
    if (recent > TRICKLE_SHARE * sessions) {
      this.#timer = this.#lookLater();
      return;
    }
    this.#timer = undefined;
    // Few ones are forgotten: those of a trickle would be enough some time, and a pause for all nodes.
    this.#sessions = 0;
    if (sessions >= Math.max(LEAST_SESSIONS, LEAST_SHARE * cloudHub.connectedNodes.size)) collectGarbage();
  }
}
