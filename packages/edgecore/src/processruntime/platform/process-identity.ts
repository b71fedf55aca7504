import { readFileSync } from "node:fs";
import { killTrees, startTicks } from "@skerry/base/platform";

/** Names one process for good, over restarts of the runtime and of the machine. */
export interface ProcessIdentity {
  readonly processId: number;
  readonly startTicks: string;
  readonly bootId: string;
}

/** The identity of a live process; undefined when it has ended. */
export function identify(processId: number | undefined): ProcessIdentity | undefined {
  const ticks = processId === undefined ? undefined : startTicks(processId);
  return processId === undefined || ticks === undefined
    ? undefined
    : { processId, startTicks: ticks, bootId: bootId() };
}

/** Whether that very process still runs. */
export function stillRuns(identity: ProcessIdentity | undefined): boolean {
  return (
    identity !== undefined && identity.bootId === bootId() && startTicks(identity.processId) === identity.startTicks
  );
}

/** Kills those of the processes that still run, and all below them. */
export function killRunning(...identities: readonly (ProcessIdentity | undefined)[]): void {
  const processIds = identities.filter(stillRuns).map((identity) => identity?.processId);
  // To look for what is below them means to look at every process of the machine.
  if (processIds.length > 0) killTrees(processIds);
}

/** The processes that a process has started and that still run. */
export function childrenOf(processId: number): number[] {
  try {
    const text = readFileSync(`/proc/${processId}/task/${processId}/children`, "latin1");
    return text.trim().split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

let knownBootId: string | undefined;

/** Stays the same while this process runs. */
function bootId(): string {
  knownBootId ??= readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
  return knownBootId;
}
