import { type Clock, counted, firstFew, type Logger, type Timer, timeOf, tookTime } from "@skerry/base";
import type { CloudLink, CloudLinkState } from "../edgehub/cloud-link.ts";
import type { ObjectChange } from "./meta-store.ts";

/** What {@link OutageStory} listens to. */
export interface OutageStoryPorts {
  readonly cloudLink: CloudLink;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Keys of what waits for the cloud. */
  readonly waiting: () => readonly string[];
  /** Changes that were lost since the start: to a limit, and because the cloud would not have them. */
  readonly lost: () => { readonly dropped: number; readonly refused: number };
  onChange(listener: (change: ObjectChange) => void): Disposable;
}

const LOOK_MS = 500;
/** Without another change for so long, the node is taken to be in step again. */
const QUIET_MS = 2000;
const GIVE_UP_MS = 60_000;

/** A reconnection that is being followed. */
interface Chapter {
  readonly sinceMs: number;
  readonly reason: string;
  readonly reconnectedMs: number;
  readonly kept: ReadonlySet<string>;
  readonly lostBefore: { readonly dropped: number; readonly refused: number };
  readonly stored: Set<string>;
  readonly deleted: Set<string>;
  lastSignMs: number;
  left: number;
}

/**
 * Tells each outage in one plain line of the log, once the node is in step with the cloud again: since when it was
 * offline, what differed here, what was sent, what was lost, how long it took.
 */
export class OutageStory implements Disposable {
  readonly #ports: OutageStoryPorts;
  readonly #subscriptions = new DisposableStack();
  #outage: { readonly sinceMs: number; readonly reason: string } | undefined;
  #lostBefore = { dropped: 0, refused: 0 };
  #chapter: Chapter | undefined;
  #timer: Timer | undefined;

  constructor(ports: OutageStoryPorts) {
    this.#ports = ports;
    this.#noteState(ports.cloudLink.state);
    this.#subscriptions.use(ports.cloudLink.onState((state) => this.#noteState(state)));
    this.#subscriptions.use(ports.onChange((change) => this.#noteChange(change)));
  }

  [Symbol.dispose](): void {
    this.#timer?.cancel();
    this.#subscriptions.dispose();
  }

  #noteState(state: CloudLinkState): void {
    this.#timer?.cancel();
    if (state.kind === "disconnected") {
      // Cut off again before all was done: it stays one story.
      this.#outage = this.#chapter ?? { sinceMs: state.sinceMs, reason: state.reason };
      if (!this.#chapter) this.#lostBefore = this.#ports.lost();
      this.#chapter = undefined;
      return;
    }
    if (!this.#outage) return;
    const nowMs = this.#ports.clock.monotonicMs();
    const kept = new Set(this.#ports.waiting());
    this.#chapter = {
      ...this.#outage,
      reconnectedMs: nowMs,
      kept,
      lostBefore: this.#lostBefore,
      stored: new Set(),
      deleted: new Set(),
      lastSignMs: nowMs,
      left: kept.size,
    };
    this.#look(this.#chapter);
  }

  #noteChange({ kind, key }: ObjectChange): void {
    const chapter = this.#chapter;
    if (!chapter || key.type === "node") return;
    const name = `${key.type} ${key.namespace}/${key.name}`;
    chapter[kind].add(name);
    chapter.lastSignMs = this.#ports.clock.monotonicMs();
  }

  #look(chapter: Chapter): void {
    const { clock, waiting } = this.#ports;
    const nowMs = clock.monotonicMs();
    const left = waiting().filter((key) => chapter.kept.has(key)).length;
    if (left !== chapter.left) chapter.lastSignMs = nowMs;
    chapter.left = left;
    const isInStep = left === 0 && nowMs - chapter.lastSignMs >= QUIET_MS;
    if (!isInStep && nowMs - chapter.reconnectedMs < GIVE_UP_MS) {
      this.#timer = clock.setTimer(LOOK_MS, () => this.#look(chapter));
      return;
    }
    this.#chapter = undefined;
    this.#outage = undefined;
    this.#tell(chapter);
  }

  #tell({ sinceMs, reason, reconnectedMs, kept, lostBefore, stored, deleted, lastSignMs, left }: Chapter): void {
    const { clock, logger, lost } = this.#ports;
    const sinceReconnectedMs = clock.monotonicMs() - reconnectedMs;
    const offlineMs = Math.max(0, clock.now() - sinceReconnectedMs - sinceMs);
    const { dropped, refused } = lost();
    const droppedNow = dropped - lostBefore.dropped;
    const refusedNow = refused - lostBefore.refused;
    const differed = [
      ...(stored.size > 0 ? [`${counted(stored.size, "object")} changed (${firstFew([...stored])})`] : []),
      ...(deleted.size > 0 ? [`${counted(deleted.size, "object")} deleted (${firstFew([...deleted])})`] : []),
    ];
    const sentences = [
      `Offline for ${tookTime(offlineMs)}, since ${timeOf(sinceMs)}: ${reason}.`,
      `Meanwhile in the cloud: ${differed.length > 0 ? differed.join(", ") : "nothing changed for this node"}.`,
      `Sent from here: ${counted(kept.size - left, "change")} made while offline.`,
      `Dropped: ${droppedNow === 0 ? "nothing" : `${counted(droppedNow, "event or upload")} for want of room`}${
        refusedNow === 0 ? "" : `; refused by the cloud: ${counted(refusedNow, "change")}`
      }.`,
    ];
    if (left > 0) {
      logger.warn(
        `Connected again, but not in step with the cloud yet. ${sentences.join(" ")} Still waiting: ${counted(left, "change")}.`,
      );
      return;
    }
    logger.info(
      `In step with the cloud again. ${sentences.join(" ")} It took ${tookTime(lastSignMs - reconnectedMs)}.`,
    );
  }
}
