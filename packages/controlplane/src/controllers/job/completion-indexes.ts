import type { Pod } from "@skerry/api";
import { COMPLETION_INDEX } from "./job-names.ts";

/** Indexes of an Indexed Job from their text, e.g. `0-2,5`; what cannot be read is left out. */
export function parseIndexes(text: string | undefined): Set<number> {
  const indexes = new Set<number>();
  for (const part of (text ?? "").split(",")) {
    const [, first = "", last = first] = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(part) ?? [];
    if (first !== "") for (let index = Number(first); index <= Number(last); index++) indexes.add(index);
  }
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
