import { describeError, isSkerryError, RetrySchedule, type Timer } from "@skerry/base";
import { type Message, newMessage } from "@skerry/link";
import { readAnswer } from "../metamanager/cloud-answer.ts";
import { type FailedTries, judgeAnswer, NO_FAILED_TRIES } from "../metamanager/outbox-outcome.ts";
import type { DefinitionCache } from "./definition-cache.ts";
import { markReported, readUnreported, readUnreportedDevices } from "./device-table.ts";
import { DueDevices } from "./due-devices.ts";
import type { DeviceTwinContext } from "./ports.ts";
import { twinReport } from "./twin-document.ts";
import type { TwinProperty } from "./twin-property.ts";

/** Reports that the cloud has not answered yet, each of another device. */
const WINDOW = 8;
const ANSWER_TIMEOUT_MS = 15_000;

/** What is remembered of a device that was reported. */
interface Pace {
  /** When the cloud was last told, by property; monotonic. */
  readonly toldMs: Map<string, number>;
  /** Before it the device is not reported again, so that many devices do not crowd the cloud; monotonic. */
  notBeforeMs: number;
  retry: RetrySchedule | undefined;
  /** Since the last success. */
  tries: FailedTries;
}

/**
 * Tells the cloud the twins' values: per device at most one report in an interval, with the newest value of each property
 * that has changed. What has to be told is noted in the twin's own row, in the transaction that changes it, so the first
 * value, the last one before a pause, and what happened while the link was cut all arrive.
 */
export class TwinReporter implements AsyncDisposable {
  readonly #context: DeviceTwinContext;
  readonly #definitions: DefinitionCache;
  readonly #due: DueDevices;
  readonly #paces = new Map<string, Pace>();
  /** Reports of which the cloud's answer is not stored yet. */
  readonly #inFlight = new Map<string, Promise<void>>();
  /** Those of them that the cloud has not answered: what a disk takes for the answer is no reason to wait with others. */
  #unansweredCount = 0;
  readonly #stopped = new AbortController();
  #subscription: Disposable | undefined;
  #timer: Timer | undefined;
  /** When the timer fires; monotonic. */
  #timerMs = Number.POSITIVE_INFINITY;
  #refusedCount = 0;

  constructor(context: DeviceTwinContext, definitions: DefinitionCache) {
    this.#context = context;
    this.#definitions = definitions;
    this.#due = new DueDevices(context.reportIntervalMs);
  }

  /** Values that the cloud refused for good since the start. */
  get refusedCount(): number {
    return this.#refusedCount;
  }

  /** Names of what the cloud does not know yet, in the outbox's manner. */
  waiting(): string[] {
    const { meta } = this.#context;
    return meta.read((reader) =>
      readUnreportedDevices(reader).flatMap((deviceId) =>
        readUnreported(reader, deviceId).map(({ name }) => `twin/${deviceId}/${name}`),
      ),
    );
  }

  start(): void {
    const { meta, cloudLink } = this.#context;
    for (const deviceId of meta.read(readUnreportedDevices)) this.#due.add(deviceId, 0);
    this.#subscription = cloudLink.onState((state) => {
      if (state.kind !== "connected") return;
      for (const pace of this.#paces.values()) startOver(pace);
      this.#due.hurry();
      this.#wake();
    });
    this.#wake();
  }

  /** Something of the device has changed, and is committed. */
  changed(deviceId: string): void {
    if (this.#due.has(deviceId)) {
      this.#due.changedAgain(deviceId);
      return;
    }
    const dueMs = this.#paces.get(deviceId)?.notBeforeMs ?? 0;
    this.#due.add(deviceId, dueMs);
    if (this.#unansweredCount >= WINDOW || this.#inFlight.has(deviceId)) return; // The end of a report wakes.
    if (dueMs <= this.#context.clock.monotonicMs()) this.#wake();
    else this.#wakeAt(dueMs);
  }

  /** The device is no longer this node's. */
  forget(deviceId: string): void {
    this.#due.delete(deviceId);
    this.#paces.delete(deviceId);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped.abort();
    this.#subscription?.[Symbol.dispose]();
    this.#timer?.cancel();
    await Promise.all(this.#inFlight.values());
  }

  /** Sends what is due, as much as may be on its way, and sees to it that the rest gets its turn. */
  #wake(): void {
    const { cloudLink, clock } = this.#context;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#timerMs = Number.POSITIVE_INFINITY;
    if (this.#stopped.signal.aborted || cloudLink.state.kind !== "connected") return;
    const nowMs = clock.monotonicMs();
    while (this.#unansweredCount < WINDOW) {
      const deviceId = this.#due.take(nowMs, (due) => !this.#inFlight.has(due));
      if (deviceId === undefined) {
        this.#wakeAt(this.#due.nextMs(nowMs));
        return;
      }
      this.#begin(deviceId, nowMs);
    }
    // The next answer wakes again.
  }

  /** Without looking at all that waits: many devices change in the meantime. */
  #wakeAt(dueMs: number): void {
    if (dueMs >= this.#timerMs || this.#stopped.signal.aborted) return;
    const { clock } = this.#context;
    this.#timer?.cancel();
    this.#timerMs = dueMs;
    this.#timer = clock.setTimer(Math.max(0, dueMs - clock.monotonicMs()), () => this.#wake());
  }

  #begin(deviceId: string, nowMs: number): void {
    const report = this.#report(deviceId, nowMs).finally(() => {
      this.#inFlight.delete(deviceId);
      this.#wake();
    });
    this.#inFlight.set(deviceId, report);
  }

  async #report(deviceId: string, nowMs: number): Promise<void> {
    const { meta, clock, random, reportIntervalMs } = this.#context;
    const pace = this.#paceOf(deviceId);
    try {
      const { ready, laterMs } = this.#readyProperties(deviceId, pace, nowMs);
      if (laterMs !== undefined) this.#due.add(deviceId, laterMs);
      if (ready.length === 0) return;
      const head = { eventId: random.uuid(), timestampMs: clock.now() };
      const resource = `device/${deviceId}/twin/edge_updated`;
      const route = { source: "twin", group: "resource", operation: "update", resource };
      const { state } = this.#context.cloudLink;
      const withOwners = state.kind === "connected" && state.delivery === "skerry";
      const message = newMessage(this.#context, route, twinReport(head, ready, { withOwners }));
      for (const { name } of ready) pace.toldMs.set(name, nowMs);
      pace.notBeforeMs = nowMs + reportIntervalMs;
      const answer = readAnswer(await this.#ask(message));
      const outcome = judgeAnswer(answer, pace.tries);
      if (outcome.kind === "retry") {
        pace.tries = outcome.tries;
        this.#tryLater(deviceId, pace, ready, outcome.status.message ?? "no reason given");
        return;
      }
      if (outcome.kind === "refused") this.#noteRefusal(deviceId, ready, outcome.status.message ?? "");
      startOver(pace);
      await meta.transaction((transaction) => {
        for (const property of ready) markReported(transaction, deviceId, property);
      });
      // What changed while the report was on its way has its own turn.
      if (meta.read((reader) => readUnreported(reader, deviceId)).length > 0) this.#due.add(deviceId, pace.notBeforeMs);
    } catch (error) {
      if (this.#stopped.signal.aborted) return;
      const { cloudLink } = this.#context;
      if (isSkerryError(error, "LINK_DISCONNECTED") && cloudLink.state.kind !== "connected") this.#due.add(deviceId, 0);
      else this.#tryLater(deviceId, pace, [], describeError(error));
    }
  }

  async #ask(message: Message): Promise<Message> {
    this.#unansweredCount++;
    try {
      return await this.#context.cloudLink.request(message, ANSWER_TIMEOUT_MS, this.#stopped.signal);
    } finally {
      this.#unansweredCount--;
      this.#wake();
    }
  }

  /** The unreported properties whose own cycle allows it now, and when the first of the others is due. */
  #readyProperties(
    deviceId: string,
    pace: Pace,
    nowMs: number,
  ): { readonly ready: TwinProperty[]; readonly laterMs: number | undefined } {
    const { meta } = this.#context;
    const properties = this.#definitions.get(deviceId)?.properties;
    const ready: TwinProperty[] = [];
    let laterMs: number | undefined;
    for (const property of meta.read((reader) => readUnreported(reader, deviceId))) {
      const toldMs = pace.toldMs.get(property.name);
      const dueMs = toldMs === undefined ? nowMs : toldMs + (properties?.get(property.name)?.reportCycleMs ?? 0);
      if (dueMs <= nowMs) ready.push(property);
      else laterMs = Math.min(laterMs ?? dueMs, dueMs);
    }
    return { ready, laterMs };
  }

  #tryLater(deviceId: string, pace: Pace, properties: readonly TwinProperty[], reason: string): void {
    const { clock, random, logger } = this.#context;
    pace.retry ??= new RetrySchedule({ initialMs: 1_000, maximumMs: 60_000 }, random);
    const delayMs = pace.retry.nextDelayMs();
    for (const { name } of properties) pace.toldMs.delete(name);
    logger.info("A device's values could not be delivered to the cloud yet; they will be sent again", {
      deviceId,
      delayMs,
      reason,
    });
    this.#due.add(deviceId, clock.monotonicMs() + delayMs);
  }

  #noteRefusal(deviceId: string, properties: readonly TwinProperty[], reason: string): void {
    this.#refusedCount += properties.length;
    this.#context.logger.warn("The cloud refused values of a device for good; they are not sent again", {
      deviceId,
      properties: properties.map(({ name }) => name),
      reason,
    });
  }

  #paceOf(deviceId: string): Pace {
    let pace = this.#paces.get(deviceId);
    if (pace === undefined) {
      pace = { toldMs: new Map(), notBeforeMs: 0, retry: undefined, tries: NO_FAILED_TRIES };
      this.#paces.set(deviceId, pace);
    }
    return pace;
  }
}

function startOver(pace: Pace): void {
  pace.retry = undefined;
  pace.tries = NO_FAILED_TRIES;
}
