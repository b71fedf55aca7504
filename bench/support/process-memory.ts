import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { median } from "./statistics.ts";

/** Memory of one process, in MiB. */
export interface ProcessMemory {
  readonly residentMib: number;
  /** What belongs to the process alone and has no file behind it: heap, stacks. */
  readonly anonymousMib: number;
  /** The highest resident size since its start. */
  readonly peakMib: number;
}

/** Resident / anonymous / highest resident, in MiB. */
export function memoryText({ residentMib, anonymousMib, peakMib }: ProcessMemory): string {
  return [residentMib, anonymousMib, peakMib].map((value) => value.toFixed(0)).join(" / ");
}

const SAMPLES = 5;
const SAMPLE_INTERVAL_MS = 2_000;

/** Medians of five samples, two seconds apart, of each process. */
export async function sampleMemory(
  processIds: ReadonlyMap<string, number>,
): Promise<ReadonlyMap<string, ProcessMemory>> {
  const samples = new Map<string, ProcessMemory[]>();
  for (let index = 0; index < SAMPLES; index += 1) {
    if (index > 0) await delay(SAMPLE_INTERVAL_MS);
    for (const [name, processId] of processIds)
      samples.set(name, [...(samples.get(name) ?? []), readMemory(processId)]);
  }
  return new Map(
    [...samples].map(([name, taken]) => [
      name,
      {
        residentMib: median(taken.map(({ residentMib }) => residentMib)),
        anonymousMib: median(taken.map(({ anonymousMib }) => anonymousMib)),
        peakMib: Math.max(...taken.map(({ peakMib }) => peakMib)),
      },
    ]),
  );
}

function readMemory(processId: number): ProcessMemory {
  const rollup = readFileSync(`/proc/${processId}/smaps_rollup`, "utf8");
  return {
    residentMib: kibibytes(rollup, "Rss") / 1024,
    anonymousMib: kibibytes(rollup, "Anonymous") / 1024,
    peakMib: kibibytes(readFileSync(`/proc/${processId}/status`, "utf8"), "VmHWM") / 1024,
  };
}

function kibibytes(text: string, field: string): number {
  const match = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(text);
  if (!match) throw new Error(`/proc has no ${field}`);
  return Number(match[1]);
}
