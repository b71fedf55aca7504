import type { MetaManagerOptions } from "@skerry/edgecore";
import type { Violation } from "./violation.ts";

/** How much an outbox may hold. */
export type OutboxLimits = NonNullable<MetaManagerOptions["outboxLimits"]>;

/** What waits at one edge and on its cable, at one moment. */
export interface QueueLengths {
  /** Outbox entries that the cloud answers. */
  readonly answered: number;
  /** Outbox entries that it does not. */
  readonly unanswered: number;
  readonly tombstones: number;
}

const TOMBSTONE_LIMIT = 5_000;
/** A session stops sending at 4 MiB; what it had in hand may come on top. */
export const BACKLOG_LIMIT: number = 5 * 1024 * 1024;

/** I8, of what outlives processes: the outbox and the tombstones. */
export function checkQueuesAreBounded(lengths: QueueLengths, limits: OutboxLimits): Violation[] {
  const found: readonly [string, number, number][] = [
    ["answered entries of the outbox", lengths.answered, limits.answeredEntries],
    ["unanswered entries of the outbox", lengths.unanswered, limits.unansweredEntries],
    ["tombstones", lengths.tombstones, TOMBSTONE_LIMIT],
  ];
  return found.flatMap(([what, length, limit]) =>
    length > limit ? [{ invariant: "I8", message: `${length} ${what}, the limit is ${limit}` }] : [],
  );
}
