import { readdirSync, readFileSync } from "node:fs";

/** Ids of this machine's processes whose command line holds all of the texts; not those that they have forked. */
export function processesWith(...texts: readonly string[]): number[] {
  const found = processIds().filter((id) => {
    const command = read(id, "cmdline").replaceAll("\0", " ");
    return texts.every((text) => command.includes(text));
  });
  return found.filter((id) => !found.includes(parentOf(id)));
}

/** The processes and all that they have started. */
export function processesBelow(roots: readonly number[]): number[] {
  const parents = new Map(processIds().map((id) => [id, parentOf(id)]));
  const below = new Set(roots);
  for (const id of below) for (const [child, parent] of parents) if (parent === id) below.add(child);
  return [...below];
}

function parentOf(id: number): number {
  return Number(/\) \S (\d+)/.exec(read(id, "stat"))?.[1]);
}

function processIds(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function read(id: number, file: string): string {
  try {
    return readFileSync(`/proc/${id}/${file}`, "utf8");
  } catch {
    return ""; // It has ended meanwhile.
  }
}
