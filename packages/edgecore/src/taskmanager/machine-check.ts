import type { JsonValue } from "@skerry/base";
import { machineBusy, reasonOf, specInvalid } from "./errors.ts";
import type { StepOutcome } from "./steps.ts";

/** What of the machine is in use, in percent. */
export interface MachineLoad {
  cpuPercent(): Promise<number>;
  memoryPercent(): Promise<number>;
  /** Of the disk that EdgeCore's data is on. */
  diskPercent(): Promise<number>;
}

/** As in KubeEdge (edge.md 12.1). */
const LIMIT_PERCENT = 80;

/** The step `Check`: whether the machine has enough left of what the job names. */
export async function checkMachine(checkItems: JsonValue | undefined, load: MachineLoad): Promise<StepOutcome> {
  if (checkItems === undefined || checkItems === null) return { kind: "done" };
  if (!Array.isArray(checkItems)) return failed("checkItems must be a list");
  for (const item of checkItems) {
    const percent = await percentOf(item, load);
    if (percent === undefined)
      return failed(`checkItems knows cpu, mem and disk, not ${JSON.stringify(item).slice(0, 100)}`);
    if (percent > LIMIT_PERCENT)
      return { kind: "failed", reason: reasonOf(machineBusy(String(item), percent, LIMIT_PERCENT)) };
  }
  return { kind: "done" };
}

async function percentOf(item: JsonValue, load: MachineLoad): Promise<number | undefined> {
  switch (item) {
    case "cpu":
      return await load.cpuPercent();
    case "mem":
      return await load.memoryPercent();
    case "disk":
      return await load.diskPercent();
    default:
      return undefined;
  }
}

function failed(what: string): StepOutcome {
  return { kind: "failed", reason: reasonOf(specInvalid(what)) };
}
