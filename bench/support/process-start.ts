import { readdirSync, readFileSync } from "node:fs";

/** Linux counts process times in hundredths of a second. */
const TICKS_PER_SECOND = 100;

/** When a process began, as `Date.now()` has it; to 10 ms. */
export function processStartMs(processId: number): number {
  const uptimeMs = Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]) * 1000;
  const bootMs = Date.now() - uptimeMs;
  const stat = readFileSync(`/proc/${processId}/stat`, "utf8");
  // The second field is the program's name in brackets, which may hold spaces; the start time is the 22nd.
  const ticks = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19]);
  return bootMs + (ticks / TICKS_PER_SECOND) * 1000;
}

/** The processes of a container, by the name of its control group. */
export function containerProcesses(containerId: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return readFileSync(`/proc/${name}/cgroup`, "utf8").includes(containerId);
      } catch {
        return false; // It has ended meanwhile.
      }
    })
    .map(Number);
}
