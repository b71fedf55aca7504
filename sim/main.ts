// `npm run sim -- --seeds 200 [--from 1]`, `--seed 17` (one seed with its history), `--mutants` (finds planted bugs).
import { parseArgs } from "node:util";
import { describeError, silentLogger } from "@skerry/base";
import { createLogger } from "@skerry/base/platform";
import { mutants } from "./mutants.ts";
import { FaultCounters } from "./world/fault-counters.ts";
import { runWorld, type SimulatedProtocol } from "./world/world.ts";

const HELP = `Runs cloud and edge in one process on virtual time, with faults, and checks what must always hold.

  npm run sim -- --seeds 200            seeds 1 to 200
  npm run sim -- --seeds 200 --from 500 seeds 500 to 699
  npm run sim -- --seed 17              one seed again, with its history and log
  npm run sim -- --seed 17 --mutant ack-before-commit
  npm run sim -- --seeds 50 --protocol skerry   kubeedge, skerry or mixed (every other seed; the default)
  npm run sim -- --mutants --seeds 50   looks for each planted bug in up to 50 seeds

Exit code: 0 all held (or all planted bugs found), 1 not.`;

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "50" },
    from: { type: "string", default: "1" },
    seed: { type: "string" },
    mutant: { type: "string" },
    mutants: { type: "boolean", default: false },
    protocol: { type: "string", default: "mixed" },
    help: { type: "boolean", default: false },
  },
});

const protocol: SimulatedProtocol =
  values.protocol === "kubeedge" || values.protocol === "skerry" ? values.protocol : "mixed";

async function runOne(seed: number, mutantName: string | undefined): Promise<boolean> {
  const write = (line: string): void => console.log(line);
  const result = await runWorld(
    seed,
    (clock) => createLogger({ clock, write, level: "debug", format: "text" }),
    mutants.find(({ name }) => name === mutantName),
    protocol,
  );
  console.log(result.history.text());
  for (const { invariant, message } of result.violations) console.log(`VIOLATED ${invariant}: ${message}`);
  console.log(`seed ${seed}: ${result.stepCount} steps, converged after ${result.convergedAfterMs ?? "never"} ms`);
  return result.violations.length === 0;
}

async function runMany(from: number, count: number): Promise<boolean> {
  const counters = new FaultCounters();
  const failed: number[] = [];
  let slowestMs = 0;
  for (let seed = from; seed < from + count; seed++) {
    const result = await runWorld(seed, silentLogger, undefined, protocol);
    counters.addAll(result.counters);
    slowestMs = Math.max(slowestMs, result.convergedAfterMs ?? 0);
    if (result.violations.length > 0) {
      failed.push(seed);
      for (const { invariant, message } of result.violations.slice(0, 3))
        console.log(`seed ${seed}: ${invariant}: ${message}`);
    }
  }
  console.log(
    `faults: ${counters
      .entries()
      .map(([kind, times]) => `${kind} ${times}`)
      .join(", ")}`,
  );
  console.log(`slowest convergence after the last fault: ${slowestMs} ms of virtual time`);
  console.log(
    `${count - failed.length} seeds held, ${failed.length} failed${failed.length > 0 ? `: ${failed.join(", ")}` : ""}`,
  );
  return failed.length === 0;
}

async function huntMutants(from: number, count: number): Promise<boolean> {
  let missed = 0;
  for (const mutant of mutants) {
    let foundBy: string | undefined;
    for (let seed = from; seed < from + count && foundBy === undefined; seed++) {
      const { violations } = await runWorld(seed, silentLogger, mutant, protocol);
      const [first] = violations;
      if (first) foundBy = `seed ${seed} after ${seed - from + 1} seeds (${first.invariant}: ${first.message})`;
    }
    if (foundBy === undefined) missed++;
    console.log(`${mutant.name}: ${foundBy === undefined ? `NOT FOUND in ${count} seeds` : `found by ${foundBy}`}`);
  }
  return missed === 0;
}

if (values.help) {
  console.log(HELP);
} else {
  const from = Number(values.from);
  const count = Number(values.seeds);
  const work =
    values.seed !== undefined
      ? runOne(Number(values.seed), values.mutant)
      : values.mutants
        ? huntMutants(from, count)
        : runMany(from, count);
  work.then(
    (held) => process.exit(held ? 0 : 1),
    (error: unknown) => {
      console.error(describeError(error), error);
      process.exit(2);
    },
  );
}
