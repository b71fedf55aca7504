import { createLogger } from "@skerry/base/platform";
import { mutantNamed } from "../mutants/mutants.ts";
import { drawSchedule } from "../schedule/draw-schedule.ts";
import type { SimulatedProtocol } from "../schedule/schedule.ts";
import { runSchedule } from "../world/run-schedule.ts";
import type { SimulatedApi } from "../world/true-api.ts";

/** One life of those that can be drawn. */
export interface ChosenSeed {
  readonly seed: number;
  readonly protocol: SimulatedProtocol;
  readonly api: SimulatedApi;
}

/** Runs one seed with log (virtual times) and history; returns whether all held. */
export async function runOneSeed({ seed, protocol, api }: ChosenSeed, mutant: string | undefined): Promise<boolean> {
  const write = (line: string): void => console.log(line);
  const result = await runSchedule(
    drawSchedule(seed, protocol, api),
    (clock) => createLogger({ clock, write, level: "debug", format: "text" }),
    mutant === undefined ? undefined : mutantNamed(mutant),
  );
  console.log(result.history.text());
  for (const { invariant, message } of result.violations) console.log(`VIOLATED ${invariant}: ${message}`);
  console.log(`seed ${seed}: ${result.stepCount} steps, converged after ${result.convergedAfterMs ?? "never"} ms`);
  console.log(`trace ${result.trace}`);
  return result.violations.length === 0;
}
