import { describeError, silentLogger } from "@skerry/base";
import { FAULTS } from "../faults/faults.ts";
import { RUNTIME_EVENT_FAULTS } from "../faults/runtime-event-faults.ts";
import { drawSchedule } from "../schedule/draw-schedule.ts";
import type { SimulatedProtocol } from "../schedule/schedule.ts";
import { Coverage } from "../world/coverage.ts";
import { FaultCounters } from "../world/fault-counters.ts";
import { type RunResult, runSchedule } from "../world/run-schedule.ts";
import type { SimulatedApi } from "../world/true-api.ts";
import { type SeedSummary, summaryOf, summaryText } from "./seed-summary.ts";

export interface RunSeedsOptions {
  readonly from: number;
  readonly count: number;
  readonly protocol: SimulatedProtocol;
  readonly api: SimulatedApi;
  readonly isJson: boolean;
  /** Only what failed, and the sums. */
  readonly isQuiet: boolean;
  /** Prints which fault met which way of recovery; one that met none is a failure. */
  readonly withCoverage: boolean;
}

const FAULT_NAMES = [...FAULTS, ...RUNTIME_EVENT_FAULTS].map(({ name }) => name);

/** Runs seeds one after the other, prints each and the sums; returns whether all held. */
export async function runSeeds({
  from,
  count,
  protocol,
  api,
  isJson,
  isQuiet,
  withCoverage,
}: RunSeedsOptions): Promise<boolean> {
  const counters = new FaultCounters();
  const failed: number[] = [];
  const coverage = new Coverage();
  let slowestMs = 0;
  for (let seed = from; seed < from + count; seed++) {
    let result: RunResult;
    try {
      result = await runSchedule(drawSchedule(seed, protocol, api), silentLogger);
    } catch (error) {
      // A fault of the simulated world: the other seeds are worth running all the same.
      const broke = describeError(error);
      failed.push(seed);
      console.log(isJson ? JSON.stringify({ seed, broke }) : `seed ${seed}: the run broke off: ${broke}`);
      continue;
    }
    const summary = summaryOf(seed, result);
    counters.addAll(result.counters);
    coverage.add(result.history.events);
    slowestMs = Math.max(slowestMs, result.convergedAfterMs ?? 0);
    if (summary.violations.length > 0) failed.push(seed);
    if (!isQuiet || summary.violations.length > 0) print(summary, isJson);
  }
  if (isJson) {
    const sums = {
      seeds: count,
      failed,
      slowestConvergenceMs: slowestMs,
      faults: Object.fromEntries(counters.entries()),
    };
    console.log(JSON.stringify(sums));
  } else {
    const kinds = counters.entries().map(([kind, times]) => `${kind} ${times}`);
    console.log(`faults: ${kinds.join(", ")}`);
    console.log(`slowest convergence after the last fault: ${slowestMs} ms of virtual time`);
    console.log(
      `${count - failed.length} seeds held, ${failed.length} failed${failed.length > 0 ? `: ${failed.join(", ")}` : ""}`,
    );
  }
  if (!withCoverage) return failed.length === 0;
  const missing = coverage.missing(FAULT_NAMES);
  console.log(coverage.text(FAULT_NAMES));
  for (const pair of missing) console.log(`never met: ${pair}`);
  return failed.length === 0 && missing.length === 0;
}

function print(summary: SeedSummary, isJson: boolean): void {
  console.log(isJson ? JSON.stringify(summary) : summaryText(summary));
}
