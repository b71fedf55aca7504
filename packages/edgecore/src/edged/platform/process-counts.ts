import { readdir, readFile } from "node:fs/promises";

const CONTAINER_ID = /[0-9a-f]{64}/g;
/** Files read at the same time: a machine that is short of process ids has many processes. */
const READ_AT_ONCE = 32;

/** Counts the machine's processes by the container that their control group names. */
export async function processCounts(): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  const waiting = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const count = async (): Promise<void> => {
    for (let process = waiting.pop(); process !== undefined; process = waiting.pop())
      for (const id of await containersOf(process)) counts.set(id, (counts.get(id) ?? 0) + 1);
  };
  await Promise.all(Array.from({ length: READ_AT_ONCE }, count));
  return counts;
}

/** Each control group hierarchy names it, a sandbox's group may hold it. */
async function containersOf(process: string): Promise<ReadonlySet<string>> {
  try {
    const text = await readFile(`/proc/${process}/cgroup`, "latin1");
    return new Set(text.match(CONTAINER_ID) ?? []);
  } catch {
    return new Set(); // It has ended meanwhile.
  }
}
