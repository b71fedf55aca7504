import { readFileSync } from "node:fs";

/** The kernel's clock for processes, on every Linux that Node.js runs on. */
const TICK_MS = 10;

/** The processor's time that a process has taken so far, user and system, in milliseconds. */
export function processorMs(processId: number): number {
  const { ownMs } = timesOf(processId);
  return ownMs;
}

/** The same with the process's children, also those that have ended. */
export function processorMsOfFamily(processId: number): number {
  const { ownMs, endedChildrenMs } = timesOf(processId);
  const children = readFileSync(`/proc/${processId}/task/${processId}/children`, "utf8").split(" ").filter(Boolean);
  return ownMs + endedChildrenMs + children.reduce((sum, child) => sum + processorMs(Number(child)), 0);
}

function timesOf(processId: number): { readonly ownMs: number; readonly endedChildrenMs: number } {
  const stat = readFileSync(`/proc/${processId}/stat`, "utf8");
  // The name, which may hold anything, is in parentheses.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [user = 0, system = 0, childrenUser = 0, childrenSystem = 0] = fields.slice(11, 15).map(Number);
  return { ownMs: (user + system) * TICK_MS, endedChildrenMs: (childrenUser + childrenSystem) * TICK_MS };
}
