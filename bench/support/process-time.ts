import { readFileSync } from "node:fs";

/** The kernel's clock for processes, on every Linux that Node.js runs on. */
const TICK_MS = 10;

/** The processor's time that a process has taken so far, user and system, in milliseconds. */
export function processorMs(processId: number): number {
  const stat = readFileSync(`/proc/${processId}/stat`, "utf8");
  // The name, which may hold anything, is in parentheses.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** The same with the process's children, of which some may be gone at the next call. */
export function processorMsOfFamily(processId: number): number {
  const children = readFileSync(`/proc/${processId}/task/${processId}/children`, "utf8").split(" ").filter(Boolean);
  return processorMs(processId) + children.reduce((sum, child) => sum + processorMs(Number(child)), 0);
}
