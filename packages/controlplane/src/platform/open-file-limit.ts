import { readFileSync } from "node:fs";

/** Files that the process needs besides connections: database, logs, a connection to the node for each stream. */
const OTHER_FILES = 1_000;

/** How many connections the operating system's limit of open files leaves, at most `wanted`. */
export function connectionsWithin(openFileLimit: number, wanted: number): number {
  return Math.max(1, Math.min(wanted, openFileLimit - Math.min(OTHER_FILES, Math.ceil(openFileLimit / 2))));
}

/** Files that this process may have open (Node.js raises it to the hard limit); infinite where the system does not tell. */
export function openFileLimit(): number {
  try {
    return parseOpenFileLimit(readFileSync("/proc/self/limits", "utf8"));
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** Reads Linux's table of a process's limits (proc(5)). */
export function parseOpenFileLimit(table: string): number {
  const soft = /^Max open files\s+(\d+)\s/m.exec(table)?.[1];
  return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
}
