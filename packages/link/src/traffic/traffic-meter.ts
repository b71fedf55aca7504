import type { Message } from "../message.ts";
import type { Direction } from "../routes.ts";
import { trafficKind } from "./traffic-kind.ts";

/** Messages of one direction and kind, and the bytes of their WebSocket frames; what TLS, TCP and IP add is left out. */
export interface TrafficRow {
  readonly direction: Direction;
  /** See {@link trafficKind}; `ping`: the transport's pings and their answers. */
  readonly kind: string;
  readonly messages: number;
  readonly bytes: number;
}

/** What crossed the link in a time. */
export interface TrafficReport {
  /** How long ago the first of it may have been. */
  readonly coversMs: number;
  /** The largest first. */
  readonly rows: readonly TrafficRow[];
}

/** Kinds beyond this are counted as `other`: a node can make them up. */
const MAX_KINDS = 64;

/** The last hour in steps of five minutes, the last day in steps of an hour. */
const WINDOWS: readonly { readonly stepMs: number; readonly steps: number }[] = [
  { stepMs: 5 * 60_000, steps: 12 },
  { stepMs: 60 * 60_000, steps: 24 },
];

/** Counts what one node sends and receives, over all its sessions. */
export class TrafficMeter {
  readonly #sinceMs: number;
  readonly #total = new Counts();
  readonly #windows = WINDOWS.map(({ stepMs, steps }) => new SlidingCounts(stepMs, steps));

  /** `nowMs` and those of the methods are monotonic. */
  constructor(nowMs: number) {
    this.#sinceMs = nowMs;
  }

  /** A message of this many bytes as a frame. */
  count(direction: Direction, message: Message, bytes: number, nowMs: number): void {
    this.#count(direction, trafficKind(direction, message), bytes, nowMs);
  }

  /** A ping of the transport, or its answer. */
  countPing(direction: Direction, bytes: number, nowMs: number): void {
    this.#count(direction, "ping", bytes, nowMs);
  }

  /** All since the meter was made. */
  total(nowMs: number): TrafficReport {
    return { coversMs: nowMs - this.#sinceMs, rows: this.#total.rows() };
  }

  /** What was counted in the last `durationMs`, rounded up to the meter's steps; at most a day. */
  recent(durationMs: number, nowMs: number): TrafficReport {
    const window = this.#windows.find(({ lengthMs }) => durationMs <= lengthMs) ?? this.#windows.at(-1);
    const report = window?.report(durationMs, nowMs) ?? { coversMs: 0, rows: [] };
    return { ...report, coversMs: Math.min(report.coversMs, nowMs - this.#sinceMs) };
  }

  #count(direction: Direction, kind: string, bytes: number, nowMs: number): void {
    this.#total.add(direction, kind, bytes);
    for (const window of this.#windows) window.add(direction, kind, bytes, nowMs);
  }
}

/** Counters by direction and kind. */
class Counts {
  readonly #counts = new Map<string, { messages: number; bytes: number }>();

  add(direction: Direction, kind: string, bytes: number, messages = 1): void {
    const wanted = `${direction}/${kind}`;
    const key = this.#counts.has(wanted) || this.#counts.size < MAX_KINDS ? wanted : `${direction}/other`;
    const count = this.#counts.get(key);
    if (count) {
      count.messages += messages;
      count.bytes += bytes;
    } else this.#counts.set(key, { messages, bytes });
  }

  addAll(other: Counts): void {
    for (const { direction, kind, messages, bytes } of other.rows()) this.add(direction, kind, bytes, messages);
  }

  rows(): TrafficRow[] {
    return [...this.#counts]
      .map(([key, count]) => {
        const slash = key.indexOf("/");
        return { direction: key.slice(0, slash) as Direction, kind: key.slice(slash + 1), ...count };
      })
      .sort((left, right) => right.bytes - left.bytes || left.kind.localeCompare(right.kind));
  }
}

/** Counters of the newest steps of time; a step without traffic costs nothing. */
class SlidingCounts {
  readonly #stepMs: number;
  readonly #steps: number;
  readonly #buckets: { readonly step: number; readonly counts: Counts }[] = [];

  constructor(stepMs: number, steps: number) {
    this.#stepMs = stepMs;
    this.#steps = steps;
  }

  get lengthMs(): number {
    return this.#stepMs * this.#steps;
  }

  add(direction: Direction, kind: string, bytes: number, nowMs: number): void {
    const step = Math.floor(nowMs / this.#stepMs);
    let newest = this.#buckets.at(-1);
    if (newest?.step !== step) {
      newest = { step, counts: new Counts() };
      this.#buckets.push(newest);
      // One step more than asked for at most, because the newest is not over yet.
      while ((this.#buckets[0]?.step ?? step) < step - this.#steps) this.#buckets.shift();
    }
    newest.counts.add(direction, kind, bytes);
  }

  report(durationMs: number, nowMs: number): TrafficReport {
    const first = Math.max(
      Math.floor((nowMs - durationMs) / this.#stepMs),
      Math.floor(nowMs / this.#stepMs) - this.#steps,
    );
    const sum = new Counts();
    for (const { step, counts } of this.#buckets) if (step >= first) sum.addAll(counts);
    return { coversMs: nowMs - first * this.#stepMs, rows: sum.rows() };
  }
}
