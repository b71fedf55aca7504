import { describeError, type Logger, type Timer } from "@skerry/base";
import {
  type Message,
  type MessageStamp,
  type SetDigest,
  type SetEntry,
  type SetReport,
  type SetRequest,
  setRequestMessage,
} from "@skerry/link";
import { SET_TYPES, type SetAccount } from "./set-account.ts";
import type { Freshness } from "./set-freshness.ts";

/** What a {@link SetReconciler} lives on. */
export interface SetReconcilerOptions {
  readonly nodeName: string;
  readonly account: SetAccount;
  readonly freshness: {
    reached(nodeName: string, seen: ReadonlyMap<string, string>, signal: AbortSignal): Promise<Freshness>;
  };
  readonly stamp: MessageStamp;
  readonly logger: Logger;
  readonly deliver: (message: Message) => boolean;
  /** What the node holds is known now: from here on differences can be sent. */
  readonly onAgreed: () => void;
  /** The session must end, so that the next one begins with an inventory. */
  readonly onDisagreed: (reason: string) => void;
}

type State =
  | { readonly kind: "asked-digest"; readonly requestId: string }
  | { readonly kind: "catching-up" }
  | { readonly kind: "asked-inventory"; readonly requestId: string; readonly types: readonly string[] }
  | { readonly kind: "agreed" }
  /** A check in between. */
  | { readonly kind: "asked-check"; readonly requestId: string };

/** A node that has not answered within this time is asked again. */
const ANSWER_MS = 15_000;
/** How often an agreed set is checked; a check costs about 1.5 KB. */
const CHECK_MS = 5 * 60_000;
/** A difference may be a change that is being made: it is looked at once more after this time. */
const RECHECK_MS = 30_000;
/** Entries of one inventory; more is a fault. */
const MAX_ENTRIES = 20_000;

/**
 * Finds out what a node holds, when its session opens and every five minutes: digests first, names only where digests
 * differ, and nothing is concluded before the caches are at least as new as what the node has seen.
 */
export class SetReconciler implements Disposable {
  readonly #options: SetReconcilerOptions;
  readonly #closed = new AbortController();
  #state: State = { kind: "catching-up" };
  #entries: SetEntry[] = [];
  #timer: Timer | undefined;
  /** The cluster was restored: the node was told to forget its versions. */
  #hasStartedOver = false;
  #suspected = false;

  constructor(options: SetReconcilerOptions) {
    this.#options = options;
  }

  /** Begins to ask. */
  start(): void {
    this.#askDigest();
  }

  /** The node has answered. */
  report(report: SetReport): void {
    const state = this.#state;
    if (!("requestId" in state) || state.requestId !== report.requestId) return;
    if (report.kind === "digest") {
      if (state.kind === "asked-digest") void this.#catchUp(report.digests);
      if (state.kind === "asked-check") this.#check(report.digests);
    } else if (state.kind === "asked-inventory") this.#collect(report, state.types);
  }

  [Symbol.dispose](): void {
    this.#closed.abort();
    this.#timer?.cancel();
  }

  async #catchUp(digests: ReadonlyMap<string, SetDigest>): Promise<void> {
    const { account, freshness, logger, nodeName, onDisagreed } = this.#options;
    this.#enter({ kind: "catching-up" });
    const seen = new Map([...digests].map(([type, { highest }]) => [type, highest]));
    const heldThen = account.heldDigests();
    try {
      const verdict = await freshness.reached(nodeName, seen, this.#closed.signal);
      if (this.#closed.signal.aborted) return;
      if (verdict.kind === "went-back") {
        this.#startOver(verdict);
        return;
      }
      const types = account.adoptDigests(digests, heldThen);
      if (types.length === 0) this.#agree();
      else this.#askInventory(types);
    } catch (error) {
      if (this.#closed.signal.aborted) return;
      logger.error("What a node holds could not be compared", { nodeName, error: describeError(error) });
      onDisagreed("what it holds could not be compared");
    }
  }

  /** The node forgets its versions; then it is asked anew, and the set as it is now wins. */
  #startOver({ type, seen, now }: Extract<Freshness, { kind: "went-back" }>): void {
    const { account, logger, nodeName, deliver, stamp, onDisagreed } = this.#options;
    logger.error(
      "The cluster's state is older than what a node has seen of it: it was restored from a backup. The node is brought " +
        "to the restored state; what was changed in the cluster since the backup is lost there too",
      { nodeName, type, seenByNode: seen, clusterNow: now },
    );
    if (this.#hasStartedOver) {
      onDisagreed("it still knows versions that the cluster does not have");
      return;
    }
    this.#hasStartedOver = true;
    account.forgetVersions();
    deliver(setRequestMessage(stamp, { kind: "incarnation" }));
    this.#askDigest();
  }

  #collect(report: Extract<SetReport, { kind: "inventory" }>, types: readonly string[]): void {
    const { account, onDisagreed } = this.#options;
    this.#entries.push(...report.entries);
    if (this.#entries.length > MAX_ENTRIES) {
      onDisagreed(`its inventory has more than ${MAX_ENTRIES} objects`);
      return;
    }
    if (!report.isLast) return;
    account.adoptInventory(types, this.#entries.splice(0));
    this.#agree();
  }

  #agree(): void {
    this.#enter({ kind: "agreed" }, CHECK_MS);
    this.#options.onAgreed();
  }

  #check(digests: ReadonlyMap<string, SetDigest>): void {
    const { account, logger, nodeName, onDisagreed } = this.#options;
    const types = account.differences(digests);
    if (types.length > 0 && this.#suspected) {
      logger.warn("A node does not hold what it has acknowledged; it is asked for an inventory", { nodeName, types });
      onDisagreed("it does not hold what it has acknowledged");
      return;
    }
    this.#suspected = types.length > 0;
    this.#enter({ kind: "agreed" }, this.#suspected ? RECHECK_MS : CHECK_MS);
  }

  #askDigest(): void {
    const requestId = this.#ask({ kind: "digest", types: SET_TYPES });
    this.#enter({ kind: "asked-digest", requestId }, ANSWER_MS);
  }

  #askInventory(types: readonly string[]): void {
    this.#entries = [];
    const requestId = this.#ask({ kind: "inventory", types });
    this.#enter({ kind: "asked-inventory", requestId, types }, ANSWER_MS);
  }

  #ask(request: SetRequest): string {
    const message = setRequestMessage(this.#options.stamp, request);
    this.#options.deliver(message);
    return message.header.msg_id;
  }

  /** Enters a state; after `timeoutMs` its time is over. */
  #enter(state: State, timeoutMs?: number): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#state = state;
    if (timeoutMs !== undefined && !this.#closed.signal.aborted)
      this.#timer = this.#options.stamp.clock.setTimer(timeoutMs, () => this.#timeIsOver());
  }

  #timeIsOver(): void {
    switch (this.#state.kind) {
      case "asked-digest":
      case "asked-inventory":
        this.#askDigest();
        break;
      case "agreed":
      case "asked-check": {
        const requestId = this.#ask({ kind: "digest", types: SET_TYPES });
        this.#enter({ kind: "asked-check", requestId }, CHECK_MS);
        break;
      }
      case "catching-up":
        break;
    }
  }
}
