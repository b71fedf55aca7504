import { invariant } from "@skerry/base";
import type { Message } from "../message.ts";
import { isDeletion, objectKeyOf, versionOf } from "./object-message.ts";
import { SettledVersions } from "./settled-versions.ts";

export interface AcknowledgedLaneOptions {
  /** Messages in flight at once. KubeEdge's edge buffers 100 and then drops (wire.md W14): stay well below. */
  readonly window: number;
  /** Objects waiting or in flight; the SyncController makes up for those refused. */
  readonly maxObjects: number;
  /** Objects whose delivered version is remembered. */
  readonly maxSettled: number;
  /** How long a deletion keeps older versions of its object away (wire.md W31). */
  readonly tombstoneMs: number;
  readonly resendAfterMs: number;
  /** After so many unanswered sends an object gives its place in the window to others, and is tried more rarely. */
  readonly patientSends: number;
  readonly maxResendAfterMs: number;
  /** What messages are about the same object. @default `objectKeyOf` */
  readonly keyOf?: (message: Message) => string;
}

/** An object on its way to the node. */
interface Transfer {
  readonly key: string;
  /** Newest version that has not been sent. */
  queued: Message | undefined;
  /** Sent, and not acknowledged. */
  sent: Message | undefined;
  /** Takes a place in the window. */
  inWindow: boolean;
  /** Sends since the last acknowledgement. */
  sends: number;
  /** When it is sent again; undefined while it waits for its turn. */
  dueMs: number | undefined;
}

/** What became of an offered message; `settled`: the node holds this very version already. */
export type OfferOutcome = "accepted" | "superseded" | "settled" | "full" | "unordered";

/**
 * Object messages to one node: a window of several in flight, but one per object; of an object only the newest version;
 * sent again, ever more rarely, until acknowledged (wire.md 8, with W4, W5, W25, W30, W31 put right).
 */
export class AcknowledgedLane {
  readonly #options: AcknowledgedLaneOptions;
  readonly #transfers = new Map<string, Transfer>();
  /** Keys whose turn it is when the window has room, in order. */
  readonly #ready = new Set<string>();
  readonly #awaited = new Map<string, Transfer>();
  /** Those with a `dueMs`, so that the many that wait for their turn need not be looked at. */
  readonly #timed = new Set<Transfer>();
  readonly #settled: SettledVersions;
  readonly #keyOf: (message: Message) => string;
  #windowCount = 0;
  #resentCount = 0;
  #supersededCount = 0;

  constructor(options: AcknowledgedLaneOptions) {
    this.#options = options;
    this.#keyOf = options.keyOf ?? objectKeyOf;
    this.#settled = new SettledVersions(options.maxSettled, options.tombstoneMs);
  }

  /** Objects waiting or in flight. */
  get size(): number {
    return this.#transfers.size;
  }

  get resentCount(): number {
    return this.#resentCount;
  }

  get supersededCount(): number {
    return this.#supersededCount;
  }

  /** When {@link expire} is due next. */
  get nextDueMs(): number | undefined {
    let next: number | undefined;
    for (const { dueMs } of this.#timed) if (dueMs !== undefined && (next === undefined || dueMs < next)) next = dueMs;
    return next;
  }

  offer(message: Message, nowMs: number): OfferOutcome {
    const key = this.#keyOf(message);
    if (versionOf(message) === undefined && !isDeletion(message)) return "unordered";
    const transfer = this.#transfers.get(key);
    if (this.#isStale(message, transfer?.queued ?? transfer?.sent, nowMs)) {
      this.#supersededCount++;
      const isSettled = !transfer && !isDeletion(message) && this.#settled.holds(key, versionOf(message));
      return isSettled ? "settled" : "superseded";
    }
    if (!transfer) {
      if (this.#transfers.size >= this.#options.maxObjects) return "full";
      this.#transfers.set(key, { key, queued: message, sent: undefined, inWindow: false, sends: 0, dueMs: undefined });
      this.#ready.add(key);
      return "accepted";
    }
    if (transfer.queued) this.#supersededCount++;
    transfer.queued = message;
    // A new version may be storable where the old one was not: its turn is now.
    if (!transfer.inWindow) this.#makeReady(transfer);
    return "accepted";
  }

  /** What may be sent now. */
  takeReady(nowMs: number): Message[] {
    const messages: Message[] = [];
    for (const key of this.#ready) {
      if (this.#windowCount >= this.#options.window) break;
      this.#ready.delete(key);
      const transfer = this.#transfers.get(key);
      if (transfer) messages.push(this.#send(transfer, nowMs));
    }
    return messages;
  }

  /** Gives up waiting where the time is over; what becomes ready by it is found by {@link takeReady}. */
  expire(nowMs: number): void {
    for (const transfer of [...this.#timed]) {
      if (transfer.dueMs === undefined || transfer.dueMs > nowMs) continue;
      const waitedInVain = transfer.inWindow && transfer.queued === undefined;
      if (waitedInVain && transfer.sends >= this.#options.patientSends) this.#rest(transfer, nowMs);
      else this.#makeReady(transfer);
    }
  }

  /** The node has committed the message with this id; returns it when it was waited for. */
  acknowledge(messageId: string, nowMs: number): Message | undefined {
    const transfer = this.#awaited.get(messageId);
    const message = transfer?.sent;
    if (!transfer || !message) return undefined;
    this.settle(message, nowMs);
    this.#awaited.delete(messageId);
    this.#leaveWindow(transfer);
    transfer.sent = undefined;
    transfer.sends = 0;
    if (transfer.queued) this.#makeReady(transfer);
    else {
      this.#setDue(transfer, undefined);
      this.#ready.delete(transfer.key);
      this.#transfers.delete(transfer.key);
    }
    return message;
  }

  /** The node could not store the message with this id; it is sent again after a rest. */
  reject(messageId: string, nowMs: number): Message | undefined {
    const transfer = this.#awaited.get(messageId);
    if (!transfer?.sent) return undefined;
    if (transfer.queued) this.#makeReady(transfer);
    else this.#rest(transfer, nowMs);
    return transfer.sent;
  }

  /** Notes that the node holds this version. */
  settle(message: Message, nowMs: number): void {
    this.#settled.note(this.#keyOf(message), versionOf(message), isDeletion(message), nowMs);
  }

  /** The node counts no version any more: what it holds may be sent again. */
  forgetSettled(): void {
    this.#settled.clear();
  }

  /**
   * An update must be newer than all that is known of the object. A deletion wins over every update that is on its way;
   * an update newer than the deletion stands for an object that came back (a device moved to this node again), and so
   * does an insert of the same version (a model whose next device is bound to this node).
   */
  #isStale(message: Message, newest: Message | undefined, nowMs: number): boolean {
    const version = versionOf(message) ?? 0n;
    // A newer deletion replaces an older one, so that its version counts against late updates.
    if (isDeletion(message)) return newest !== undefined && isDeletion(newest) && version <= (versionOf(newest) ?? 0n);
    const onItsWay = newest && versionOf(newest);
    const settled = this.#settled.floor(this.#keyOf(message), nowMs, message.route.operation === "insert");
    return (onItsWay !== undefined && version <= onItsWay) || (settled !== undefined && version <= settled);
  }

  #send(transfer: Transfer, nowMs: number): Message {
    if (transfer.queued) {
      if (transfer.sent) {
        this.#awaited.delete(transfer.sent.header.msg_id);
        this.#supersededCount++;
      }
      transfer.sent = transfer.queued;
      transfer.queued = undefined;
      this.#awaited.set(transfer.sent.header.msg_id, transfer);
    } else this.#resentCount++;
    invariant(transfer.sent, "a ready transfer has a message");
    transfer.sends++;
    transfer.inWindow = true;
    this.#windowCount++;
    this.#setDue(transfer, nowMs + this.#options.resendAfterMs);
    return transfer.sent;
  }

  #makeReady(transfer: Transfer): void {
    this.#leaveWindow(transfer);
    this.#setDue(transfer, undefined);
    this.#ready.add(transfer.key);
  }

  #rest(transfer: Transfer, nowMs: number): void {
    this.#leaveWindow(transfer);
    this.#ready.delete(transfer.key);
    const { resendAfterMs, maxResendAfterMs, patientSends } = this.#options;
    const doublings = Math.max(0, transfer.sends - patientSends);
    this.#setDue(transfer, nowMs + Math.min(maxResendAfterMs, resendAfterMs * 2 ** doublings));
  }

  #setDue(transfer: Transfer, dueMs: number | undefined): void {
    transfer.dueMs = dueMs;
    if (dueMs === undefined) this.#timed.delete(transfer);
    else this.#timed.add(transfer);
  }

  #leaveWindow(transfer: Transfer): void {
    if (!transfer.inWindow) return;
    transfer.inWindow = false;
    this.#windowCount--;
  }
}
