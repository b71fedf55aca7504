import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../installation.ts";
import type { Comparison } from "./compare.ts";
import type { ComparedCommand } from "./replay.ts";

/** Something that we answer differently, and why. */
export interface KnownDifference {
  /** The command, or its beginning followed by `…`. */
  readonly command: string;
  /** What of it: `exit`, `stdout`, `stderr`, or `METHOD path`; left out: anything. */
  readonly what?: string;
  readonly reason: string;
}

/** The list of what differs on purpose or is not there yet. */
export function readDifferences(): KnownDifference[] {
  const text = readFileSync(join(root, "fixtures/kubernetes/differences.json"), "utf8");
  return JSON.parse(text) as KnownDifference[];
}

/** The entry of the list that a difference is covered by. */
export function knownDifference(
  list: readonly KnownDifference[],
  { command }: Pick<ComparedCommand, "command">,
  comparison: Comparison,
): KnownDifference | undefined {
  return list.find(
    (entry) => covers(entry.command, command) && (entry.what === undefined || covers(entry.what, comparison.what)),
  );
}

function covers(pattern: string, text: string): boolean {
  return pattern.endsWith("…") ? text.startsWith(pattern.slice(0, -1)) : pattern === text;
}
