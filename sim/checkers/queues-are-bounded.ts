import type { MetaManagerOptions } from "@skerry/edgecore";
import type { Violation } from "./violation.ts";

/** How much an outbox may hold. */
export type OutboxLimits = NonNullable<MetaManagerOptions["outboxLimits"]>;

/** What one edge may hold. */
export interface EdgeLimits {
  readonly outbox: OutboxLimits;
  readonly ringBytes: number;
}

/** What waits at one edge and on its cable, at one moment. */
export interface QueueLengths {
  /** Outbox entries that the cloud answers. */
  readonly answered: number;
  /** Outbox entries that it does not. */
  readonly unanswered: number;
  readonly tombstones: number;
  readonly ringBytes: number;
  readonly ringBlocks: number;
}

const TOMBSTONE_LIMIT = 5_000;
/** A session stops sending at 4 MiB; what it had in hand may come on top. */
export const BACKLOG_LIMIT: number = 5 * 1024 * 1024;

/** I8, of what outlives processes: the outbox, the tombstones and the ring of samples. */
export function checkQueuesAreBounded(lengths: QueueLengths, { outbox, ringBytes }: EdgeLimits): Violation[] {
  const found: readonly [string, number, number][] = [
    ["answered entries of the outbox", lengths.answered, outbox.answeredEntries],
    ["unanswered entries of the outbox", lengths.unanswered, outbox.unansweredEntries],
    ["tombstones", lengths.tombstones, TOMBSTONE_LIMIT],
    // The newest block stays, however large it is.
    ["bytes of samples", lengths.ringBlocks > 1 ? lengths.ringBytes : 0, ringBytes],
  ];
  return found.flatMap(([what, length, limit]) =>
    length > limit ? [{ invariant: "I8", message: `${length} ${what}, the limit is ${limit}` }] : [],
  );
}
