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

/** Kinds beyond this are counted as {@link OTHER}: a node can make them up. */
const MAX_KINDS = 64;
const OTHER = "other";

/** The last hour in steps of five minutes, the last day in steps of an hour. */
const WINDOWS: readonly { readonly stepMs: number; readonly steps: number }[] = [
  { stepMs: 5 * 60_000, steps: 12 },
  { stepMs: 60 * 60_000, steps: 24 },
];

/** Counts what one node sends and receives, over all its sessions. */
export class TrafficMeter {
  readonly #sinceMs: number;
  readonly #kinds = new Kinds();
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
    return { coversMs: nowMs - this.#sinceMs, rows: this.#total.rows(this.#kinds) };
  }

  /** What was counted in the last `durationMs`, rounded up to the meter's steps; at most a day. */
  recent(durationMs: number, nowMs: number): TrafficReport {
    const window = this.#windows.find(({ lengthMs }) => durationMs <= lengthMs) ?? this.#windows.at(-1);
    if (!window) return { coversMs: 0, rows: [] };
    const { coversMs, counts } = window.report(durationMs, nowMs);
    return { coversMs: Math.min(coversMs, nowMs - this.#sinceMs), rows: counts.rows(this.#kinds) };
  }

  #count(direction: Direction, kind: string, bytes: number, nowMs: number): void {
    const number = this.#kinds.numberOf(direction, kind);
    this.#total.add(number, bytes);
    for (const window of this.#windows) window.add(number, bytes, nowMs);
  }
}

/** The directions and kinds that a meter has met; its counters name them by number. */
class Kinds {
  readonly #known: { readonly direction: Direction; readonly kind: string }[] = [];

  numberOf(direction: Direction, kind: string): number {
    const known = this.#known.findIndex((each) => each.kind === kind && each.direction === direction);
    if (known >= 0) return known;
    if (this.#known.length >= MAX_KINDS && kind !== OTHER) return this.numberOf(direction, OTHER);
    return this.#known.push({ direction, kind }) - 1;
  }

  /** @throws RangeError for a number that it never gave out */
  at(number: number): { readonly direction: Direction; readonly kind: string } {
    const known = this.#known[number];
    if (!known) throw new RangeError(`no kind ${number}`);
    return known;
  }
}

/** Messages and bytes by kind. There are forty of them a node, so what they keep is only `[kind, messages, bytes, …]`. */
class Counts {
  #numbers: number[] = [];

  add(kind: number, bytes: number, messages = 1): void {
    for (let at = 0; at < this.#numbers.length; at += 3)
      if (this.#numbers[at] === kind) {
        this.#numbers[at + 1] = (this.#numbers[at + 1] ?? 0) + messages;
        this.#numbers[at + 2] = (this.#numbers[at + 2] ?? 0) + bytes;
        return;
      }
    // A new array has just the length that it needs; one that grows keeps some in reserve.
    this.#numbers = [...this.#numbers, kind, messages, bytes];
  }

  addAll({ all }: Counts): void {
    for (const { kind, messages, bytes } of all) this.add(kind, bytes, messages);
  }

  get all(): { readonly kind: number; readonly messages: number; readonly bytes: number }[] {
    return Array.from({ length: this.#numbers.length / 3 }, (_, index) => {
      const [kind = 0, messages = 0, bytes = 0] = this.#numbers.slice(3 * index, 3 * index + 3);
      return { kind, messages, bytes };
    });
  }

  rows(kinds: Kinds): TrafficRow[] {
    return this.all
      .map(({ kind, messages, bytes }) => ({ ...kinds.at(kind), messages, bytes }))
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

  add(kind: number, bytes: number, nowMs: number): void {
    const step = Math.floor(nowMs / this.#stepMs);
    let newest = this.#buckets.at(-1);
    if (newest?.step !== step) {
      newest = { step, counts: new Counts() };
      this.#buckets.push(newest);
      // One step more than asked for at most, because the newest is not over yet.
      while ((this.#buckets[0]?.step ?? step) < step - this.#steps) this.#buckets.shift();
    }
    newest.counts.add(kind, bytes);
  }

  report(durationMs: number, nowMs: number): { readonly coversMs: number; readonly counts: Counts } {
    const first = Math.max(
      Math.floor((nowMs - durationMs) / this.#stepMs),
      Math.floor(nowMs / this.#stepMs) - this.#steps,
    );
    const sum = new Counts();
    for (const { step, counts } of this.#buckets) if (step >= first) sum.addAll(counts);
    return { coversMs: nowMs - first * this.#stepMs, counts: sum };
  }
}
