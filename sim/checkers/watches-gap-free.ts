import { compareResourceVersions } from "@skerry/kube";
import type { SeenEvent, TrueChange, WatchRecord } from "../world/watch-record.ts";
import type { Violation } from "./violation.ts";

/**
 * I5: what an informer tells is ordered and unique for each object, and between two lists it tells every change that the
 * API server made; only a new list may leave changes out.
 */
export function checkWatchesGapFree(records: readonly WatchRecord[], changes: readonly TrueChange[]): Violation[] {
  return records.flatMap((record) => {
    const told = [...outOfOrder(record.seen), ...gaps(record, changes)];
    return told.map((message) => ({
      invariant: "I5",
      message: `${record.observer}, ${record.collection}: ${message}`,
    }));
  });
}

function outOfOrder(seen: readonly SeenEvent[]): string[] {
  const newest = new Map<string, string>();
  const gone = new Set<string>();
  const messages: string[] = [];
  for (const { type, uid, version } of seen) {
    if (gone.has(uid)) messages.push(`${uid} was told ${type} after its deletion`);
    const before = newest.get(uid);
    if (type !== "deleted" && before !== undefined && compareResourceVersions(version, before) <= 0)
      messages.push(`${uid} was told in version ${version} after ${before}`);
    newest.set(uid, version);
    if (type === "deleted") gone.add(uid);
  }
  return messages;
}

function gaps({ seen, collection, incarnation }: WatchRecord, changes: readonly TrueChange[]): string[] {
  const messages: string[] = [];
  const made = changes.filter((change) => change.collection === collection && change.incarnation === incarnation);
  for (const lists of new Set(seen.map((event) => event.lists))) {
    const events = seen.filter((event) => event.lists === lists);
    // The first of them tells what version the list had, or is the first after it.
    const from = Number(events[0]?.reached);
    const to = Number(events.at(-1)?.reached);
    const told = new Set(events.map(({ version }) => Number(version)));
    const missed = made.filter(({ revision }) => revision > from && revision <= to && !told.has(revision));
    if (missed.length > 0)
      messages.push(`version ${missed[0]?.revision} was left out on the way from ${from} to ${to}`);
  }
  return messages;
}
