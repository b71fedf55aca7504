import { readdirSync, readFileSync } from "node:fs";

/** A process of this machine. */
export interface ProcessEntry {
  readonly processId: number;
  readonly command: readonly string[];
}

/** All processes whose command line can be read. */
export function processes(): ProcessEntry[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const command = readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0").slice(0, -1);
        return command.length > 0 ? [{ processId: Number(name), command }] : [];
      } catch {
        return []; // Ended while we looked.
      }
    });
}

/** The ids of all processes whose command line can be read, by their parent's id. */
export function childProcesses(): Map<number, number[]> {
  const children = new Map<number, number[]>();
  for (const { processId } of processes()) {
    const parent = parentOf(processId);
    if (parent === undefined) continue;
    const siblings = children.get(parent);
    if (siblings) siblings.push(processId);
    else children.set(parent, [processId]);
  }
  return children;
}

/**
 * The processes below `parents`, at any depth.
 * @param children for several questions at once
 */
export function descendants(
  parents: readonly number[],
  children: ReadonlyMap<number, readonly number[]> = childProcesses(),
): number[] {
  const found: number[] = [];
  const open = [...parents];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const below = children.get(next) ?? [];
    found.push(...below);
    open.push(...below);
  }
  return found;
}

function parentOf(processId: number): number | undefined {
  const fields = statFields(processId);
  return fields === undefined ? undefined : Number(fields[1]);
}

/** Whether the process exists and is not a zombie. */
export function isAlive(processId: number): boolean {
  const fields = statFields(processId);
  return fields !== undefined && fields[0] !== "Z";
}

/** When a live process was started, in clock ticks since the boot: with the id it names a process for good. */
export function startTicks(processId: number): string | undefined {
  const fields = statFields(processId);
  return fields === undefined || fields[0] === "Z" ? undefined : fields[19];
}

/** The fields of /proc/PID/stat from the third on, after the name, which may hold anything. */
function statFields(processId: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${processId}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}

/** Sends a signal; false when the process is gone. */
export function sendSignal(processId: number | undefined, signal: NodeJS.Signals): boolean {
  if (processId === undefined || processId <= 1) return false; // 0 and below would mean whole groups of processes.
  try {
    process.kill(processId, signal);
    return true;
  } catch {
    return false;
  }
}
