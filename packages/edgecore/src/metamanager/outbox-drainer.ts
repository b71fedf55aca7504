import {
  type Clock,
  describeError,
  isSkerryError,
  type Logger,
  type Random,
  RetrySchedule,
  type Timer,
} from "@skerry/base";
import { type Message, NODE_JOB_REPORT, newMessage, outboxMessageId } from "@skerry/link";
import type { CloudLink } from "../edgehub/cloud-link.ts";
import { type CloudAnswer, readAnswer } from "./cloud-answer.ts";
import { afterNoAnswer, type FailedTries, isEventLost, judgeAnswer, NO_FAILED_TRIES } from "./outbox-outcome.ts";
import { isEvent, type QueuedEntry } from "./outbox-table.ts";

/** How the outbox is emptied. */
export interface DrainPolicy {
  /** Entries on their way at the same time; at most one per key. */
  readonly window: number;
  readonly answerTimeoutMs: number;
  readonly retryInitialMs: number;
  readonly retryMaximumMs: number;
}

export const defaultDrainPolicy: DrainPolicy = {
  window: 16,
  answerTimeoutMs: 15_000,
  retryInitialMs: 1000,
  retryMaximumMs: 60_000,
};

/** What the link's byte budget keeps back is tried again after about so long. */
const HELD_MS = 30_000;

/** Where the entries come from and go to: MetaManager's transactions. */
export interface DrainSource {
  /** Names the outbox of this process, so that the cloud knows an entry again. A UUID. */
  readonly stream: string;
  /** From the head of the line, events left out. */
  first(count: number): QueuedEntry[];
  firstEvent(): QueuedEntry | undefined;
  /** Removes the entry unless it was replaced, and stores what the answer carries, in one transaction. */
  settle(entry: QueuedEntry, answer: CloudAnswer): Promise<void>;
}

export interface DrainerPorts {
  readonly source: DrainSource;
  readonly cloudLink: CloudLink;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** A content that failed and when it may be tried again. */
interface Delay {
  readonly revision: number;
  readonly schedule: RetrySchedule;
  readonly untilMs: number;
  readonly tries: FailedTries;
}

/**
 * Sends what waits in the outbox, in order, several at a time but one per key, and keeps each entry until the cloud has
 * answered it. A session's end brings back what was on its way; the next session begins with it. Events are a line of
 * their own, one at a time, so that they arrive in their order whatever fails; nothing else waits for them.
 */
export class OutboxDrainer implements AsyncDisposable {
  readonly #ports: DrainerPorts;
  readonly #policy: DrainPolicy;
  readonly #inFlight = new Map<string, Promise<void>>();
  readonly #delays = new Map<string, Delay>();
  readonly #stopped = new AbortController();
  #subscription: Disposable | undefined;
  #timer: Timer | undefined;
  #refusedCount = 0;

  constructor(ports: DrainerPorts, policy: DrainPolicy) {
    this.#ports = ports;
    this.#policy = policy;
  }

  /** Entries that the cloud refused for good since the start. */
  get refusedCount(): number {
    return this.#refusedCount;
  }

  start(): void {
    this.#subscription = this.#ports.cloudLink.onState((state) => {
      if (state.kind !== "connected") return;
      this.#delays.clear();
      this.wake();
    });
    this.wake();
  }

  /** Something may be ready to leave. */
  wake(): void {
    if (this.#stopped.signal.aborted) return;
    const { cloudLink, clock, source } = this.#ports;
    if (cloudLink.state.kind !== "connected") return;
    const event = source.firstEvent();
    const room = this.#policy.window - this.#inFlight.size;
    if (room <= 0 && event === undefined) return;
    const wanted = this.#policy.window + this.#delays.size;
    const head = source.first(wanted);
    if (head.length < wanted) this.#forgetDelaysOutside(event ? [...head, event] : head);
    const isReady = (entry: QueuedEntry): boolean =>
      !this.#inFlight.has(entry.key) && !this.#isDelayed(entry, clock.monotonicMs());
    const ready = head.filter(isReady).slice(0, Math.max(0, room));
    if (event && isReady(event)) ready.push(event);
    for (const entry of ready) {
      const sending = this.#send(entry).finally(() => {
        this.#inFlight.delete(entry.key);
        this.wake();
      });
      this.#inFlight.set(entry.key, sending);
    }
    this.#setTimer();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped.abort();
    this.#subscription?.[Symbol.dispose]();
    this.#timer?.cancel();
    await Promise.all(this.#inFlight.values());
  }

  async #send(entry: QueuedEntry): Promise<void> {
    const { cloudLink, source, logger } = this.#ports;
    const message = this.#messageOf(entry);
    try {
      if (!this.#isAnswered(entry)) {
        cloudLink.send(message);
        await source.settle(entry, { kind: "accepted" });
        return;
      }
      const reply = await cloudLink.request(message, this.#policy.answerTimeoutMs, this.#stopped.signal);
      const answer = readAnswer(reply);
      const outcome = judgeAnswer(answer, this.#triesOf(entry), isEvent(entry));
      switch (outcome.kind) {
        case "retry":
          this.#delay(entry, outcome.tries, outcome.status.message ?? "no reason given");
          return;
        case "refused":
          this.#refusedCount++;
          logger.warn("The cloud refused a change for good; it is dropped", {
            key: entry.key,
            reason: outcome.status.reason,
            message: outcome.status.message,
          });
          break;
        case "delivered":
          break;
      }
      await source.settle(entry, answer);
      this.#delays.delete(entry.key);
    } catch (error) {
      if (this.#stopped.signal.aborted) return;
      // Without a session the entry simply waits for the next one, which wakes the drainer.
      if (isSkerryError(error, "LINK_DISCONNECTED") && cloudLink.state.kind !== "connected") return;
      if (isSkerryError(error, "LINK_BUDGET_SPENT")) {
        this.#hold(entry);
        return;
      }
      const tries = afterNoAnswer(this.#triesOf(entry));
      if (isEvent(entry) && isEventLost(tries)) await this.#giveUp(entry, tries, error);
      else this.#delay(entry, tries, describeError(error));
    }
  }

  /** Nobody has answered an event, however often: the next one has its turn. */
  async #giveUp(entry: QueuedEntry, tries: FailedTries, error: unknown): Promise<void> {
    const { source, logger } = this.#ports;
    try {
      await source.settle(entry, { kind: "accepted" });
    } catch (failure) {
      this.#delay(entry, tries, describeError(failure));
      return;
    }
    this.#refusedCount++;
    this.#delays.delete(entry.key);
    logger.warn("The cloud does not take an event; it is dropped", { key: entry.key, why: describeError(error) });
  }

  /** Events and reports on jobs are answered by Skerry's cloud only (wire.md U21, U32). */
  #isAnswered(entry: QueuedEntry): boolean {
    return isEvent(entry) || entry.operation === NODE_JOB_REPORT ? this.#isToSkerry : entry.answered;
  }

  get #isToSkerry(): boolean {
    const { state } = this.#ports.cloudLink;
    return state.kind === "connected" && state.delivery === "skerry";
  }

  /** With Skerry's delivery an entry has the same id however often it is sent: the cloud does it once. */
  #messageOf(entry: QueuedEntry): Message {
    const { source } = this.#ports;
    const { group, operation, resource } = entry;
    const message = newMessage(this.#ports, { source: entry.source, group, operation, resource }, entry.content);
    if (!this.#isAnswered(entry) || !this.#isToSkerry) return message;
    return { ...message, header: { ...message.header, msg_id: outboxMessageId(source.stream, entry.revision) } };
  }

  #isDelayed(entry: QueuedEntry, nowMs: number): boolean {
    const delay = this.#delays.get(entry.key);
    return delay?.revision === entry.revision && delay.untilMs > nowMs;
  }

  #triesOf(entry: QueuedEntry): FailedTries {
    const delay = this.#delays.get(entry.key);
    return delay?.revision === entry.revision ? delay.tries : NO_FAILED_TRIES;
  }

  #delay(entry: QueuedEntry, tries: FailedTries, why: string): void {
    const earlier = this.#delays.get(entry.key);
    const schedule =
      earlier?.revision === entry.revision
        ? earlier.schedule
        : new RetrySchedule(
            { initialMs: this.#policy.retryInitialMs, maximumMs: this.#policy.retryMaximumMs },
            this.#ports.random,
          );
    const delayMs = schedule.nextDelayMs();
    this.#delays.set(entry.key, {
      revision: entry.revision,
      schedule,
      untilMs: this.#ports.clock.monotonicMs() + delayMs,
      tries,
    });
    this.#ports.logger.info("A change could not be delivered to the cloud yet; it will be sent again", {
      key: entry.key,
      delayMs,
      why,
    });
  }

  /** The link's byte budget keeps it back: EdgeHub counts that, and the Node's condition tells it. */
  #hold(entry: QueuedEntry): void {
    const { random, clock } = this.#ports;
    const schedule = new RetrySchedule({ initialMs: HELD_MS, maximumMs: HELD_MS }, random);
    const untilMs = clock.monotonicMs() + schedule.nextDelayMs();
    this.#delays.set(entry.key, { revision: entry.revision, schedule, untilMs, tries: this.#triesOf(entry) });
  }

  /** `all` is the whole line: a delay of an entry that is gone from it has no meaning. */
  #forgetDelaysOutside(all: readonly QueuedEntry[]): void {
    if (this.#delays.size === 0) return;
    const keys = new Set(all.map((entry) => entry.key));
    for (const key of this.#delays.keys()) if (!keys.has(key)) this.#delays.delete(key);
  }

  /** Wakes when the first delay is over. */
  #setTimer(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const nowMs = this.#ports.clock.monotonicMs();
    let firstMs = Number.POSITIVE_INFINITY;
    for (const delay of this.#delays.values()) if (delay.untilMs > nowMs) firstMs = Math.min(firstMs, delay.untilMs);
    if (firstMs === Number.POSITIVE_INFINITY) return;
    this.#timer = this.#ports.clock.setTimer(firstMs - nowMs, () => this.wake());
  }
}
