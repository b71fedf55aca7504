import type { Message } from "./message.ts";
import { type Direction, routeOf, type TrafficClass } from "./routes.ts";

/** Messages of one direction and class, and their bytes without what TLS, TCP and IP add. */
export interface Traffic {
  readonly messages: number;
  readonly bytes: number;
}

/** The traffic of a session, by direction and class; a class without any is left out. `other`: not in the route table. */
export type TrafficReport = Readonly<Record<Direction, Readonly<Partial<Record<TrafficClass | "other", Traffic>>>>>;

/** Counts what a session sends and receives. */
export class TrafficMeter {
  readonly #counts: Record<Direction, Map<TrafficClass | "other", { messages: number; bytes: number }>> = {
    down: new Map(),
    up: new Map(),
  };

  /** `frame` is the message as it crosses the link. */
  count(direction: Direction, message: Message, frame: string): void {
    const kind = routeOf(direction, message)?.traffic ?? "other";
    const counts = this.#counts[direction];
    const count = counts.get(kind) ?? { messages: 0, bytes: 0 };
    count.messages++;
    count.bytes += Buffer.byteLength(frame);
    counts.set(kind, count);
  }

  get report(): TrafficReport {
    const copy = (direction: Direction): TrafficReport[Direction] =>
      Object.fromEntries([...this.#counts[direction]].map(([kind, count]) => [kind, { ...count }]));
    return { down: copy("down"), up: copy("up") };
  }
}
