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

/** The ids of all processes that have not ended, by their parent's id. */
export function childProcesses(): Map<number, number[]> {
  return byParent([...processStates()].filter(([, { state }]) => state !== "Z"));
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

/** Processes and all below them, each with its state as /proc/PID/stat has it; those that only wait to be reaped too. */
export function processTree(roots: readonly (number | undefined)[]): Map<number, string> {
  const all = processStates();
  const live = roots.filter((root) => root !== undefined).filter((root) => all.has(root));
  return new Map([...live, ...descendants(live, byParent([...all]))].map((each) => [each, all.get(each)?.state ?? ""]));
}

interface ProcessState {
  readonly state: string;
  readonly parentId: number;
}

/** All processes of the machine, by their ids. */
function processStates(): Map<number, ProcessState> {
  const found = new Map<number, ProcessState>();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const [state, parentId] = statFields(Number(name)) ?? [];
    if (state !== undefined) found.set(Number(name), { state, parentId: Number(parentId) });
  }
  return found;
}

function byParent(all: readonly (readonly [processId: number, state: ProcessState])[]): Map<number, number[]> {
  const groups = Map.groupBy(all, ([, { parentId }]) => parentId);
  return new Map([...groups].map(([parentId, members]) => [parentId, members.map(([processId]) => processId)]));
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
