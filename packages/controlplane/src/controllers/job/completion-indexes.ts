import type { Pod } from "@skerry/api";
import { COMPLETION_INDEX } from "./job-names.ts";

/** Indexes in a row, both ends included. */
export interface IndexRange {
  readonly first: number;
  readonly last: number;
}

/**
 * Ranges of an Indexed Job's indexes from their text, e.g. `0-2,5`, ascending and below `completions`; what cannot be
 * read, or does not come after what was read before, is left out. The text is a user's: its ranges are never spelled
 * out, since a short one can stand for a billion indexes.
 */
export function parseRanges(text: string | undefined, completions: number): IndexRange[] {
  const ranges: IndexRange[] = [];
  for (const part of (text ?? "").split(",")) {
    const [, start = "", end = start] = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(part) ?? [];
    const [first, last] = [Number(start), Math.min(Number(end), completions - 1)];
    if (start !== "" && first <= last && first > (ranges.at(-1)?.last ?? -1)) ranges.push({ first, last });
  }
  return ranges;
}

/** How many indexes the ranges stand for. */
export function sizeOfRanges(ranges: readonly IndexRange[]): number {
  return ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);
}

/** How many of the indexes are in one of the ranges. */
export function countWithin(indexes: Iterable<number>, ranges: readonly IndexRange[]): number {
  let [count, at] = [0, 0];
  for (const index of [...indexes].sort((left, right) => left - right)) {
    while ((ranges[at]?.last ?? Number.POSITIVE_INFINITY) < index) at++;
    if ((ranges[at]?.first ?? Number.POSITIVE_INFINITY) <= index) count++;
  }
  return count;
}

/** Indexes below `completions` that a Job's status lists: no more than pods have ended. */
export function parseIndexes(text: string | undefined, completions: number): Set<number> {
  const indexes = new Set<number>();
  for (const { first, last } of parseRanges(text, completions))
    for (let index = first; index <= last; index++) indexes.add(index);
  return indexes;
}

/** The text of indexes as a Job's status has it: three or more in a row as a range. */
export function formatIndexes(indexes: Iterable<number>): string {
  const sorted = [...indexes].sort((left, right) => left - right);
  const parts: string[] = [];
  for (let start = 0; start < sorted.length; ) {
    let end = start;
    while (end + 1 < sorted.length && sorted[end + 1] === (sorted[end] ?? 0) + 1) end++;
    const [first, last] = [sorted[start], sorted[end]];
    if (end === start) parts.push(`${first}`);
    else parts.push(end === start + 1 ? `${first},${last}` : `${first}-${last}`);
    start = end + 1;
  }
  return parts.join(",");
}

/** Which part of the Job the pod does; undefined when it says nothing sensible. */
export function completionIndexOf(pod: Pod): number | undefined {
  const text = pod.metadata.annotations?.[COMPLETION_INDEX] ?? "";
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
