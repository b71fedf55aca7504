import { readFileSync } from "node:fs";

/** The kernel counts in hundredths of a second (`USER_HZ`). */
const TICK_MS = 10;

/** The processor's time that processes have used since their start, in ms, by name. */
export function processorTimes(processIds: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  return new Map([...processIds].map(([name, processId]) => [name, processorTimeMs(processId)]));
}

function processorTimeMs(processId: number): number {
  const text = readFileSync(`/proc/${processId}/stat`, "utf8");
  // The second member, the program's name in brackets, may contain spaces. Of the user and of the system: 14 and 15.
  const members = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(members[11]) + Number(members[12])) * TICK_MS;
}
