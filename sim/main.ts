// `npm run sim`: the command line; see HELP.
import { parseArgs } from "node:util";
import { describeError } from "@skerry/base";
import { checkKept } from "./command/check-kept.ts";
import { huntMutants } from "./command/hunt-mutants.ts";
import { runDeclaredSeeds } from "./command/run-declared-seeds.ts";
import { runOneSeed } from "./command/run-one-seed.ts";
import { runSeeds } from "./command/run-seeds.ts";
import { shrinkKept, shrinkMutants, shrinkSeed } from "./command/shrink.ts";
import { mutantNamed } from "./mutants/mutants.ts";
import type { SimulatedProtocol } from "./schedule/schedule.ts";
import type { SimulatedApi } from "./world/true-api.ts";

const HELP = `Runs clouds and edges in one process on virtual time, with faults, and checks what must always hold.

  npm run sim -- --seeds 200             seeds 1 to 200, one line each
  npm run sim -- --seeds 200 --from 500  seeds 500 to 699
  npm run sim -- --seeds 200 --quiet     only what failed, and the sums
  npm run sim -- --seeds 200 --coverage  also which fault met which way of recovery; one that met none counts as failed
  npm run sim -- --seeds 50 --protocol skerry   kubeedge, skerry or mixed (each node its own; the default)
  npm run sim -- --seeds 50 --api embedded      behind CloudCore the embedded control plane's API server, with crashes
                                         and power cuts of its own, instead of a small one in memory
  npm run sim -- --seed 17               one seed again, with its history and log
  npm run sim -- --seed 17 --mutant ack-before-commit
  npm run sim -- --mutants --seeds 50    looks for each planted bug in up to 50 seeds
  npm run sim -- --seed 17 --shrink NAME shrinks a failing seed into sim/regressions/NAME.json
  npm run sim -- --mutants --shrink all --seeds 300     a schedule in sim/regressions/ for each planted bug (or for one,
                                         with --mutant) that finds it with at least 8 of 10 latencies
  npm run sim -- --mutant NAME --shrink FILE   the same, from a kept schedule or from one written by hand
  npm run sim -- --kept                  with how many latencies each kept schedule finds its planted bug
  npm run sim -- --declared --seeds 200  lives with at-most-once effects and rules for conflicts; looks for their planted
                                         bugs too
  -o json                                one JSON document a line, for scripts

Exit code: 0 all held (or all planted bugs found), 1 not, 2 wrong use.`;

const APIS: readonly SimulatedApi[] = ["memory", "embedded"];
const PROTOCOLS: readonly SimulatedProtocol[] = ["kubeedge", "skerry", "mixed"];

async function main(): Promise<boolean> {
  const { values } = parseArgs({
    options: {
      seeds: { type: "string", default: "50" },
      from: { type: "string", default: "1" },
      seed: { type: "string" },
      mutant: { type: "string" },
      mutants: { type: "boolean", default: false },
      protocol: { type: "string", default: "mixed" },
      api: { type: "string", default: "memory" },
      output: { type: "string", short: "o", default: "text" },
      shrink: { type: "string" },
      kept: { type: "boolean", default: false },
      declared: { type: "boolean", default: false },
      coverage: { type: "boolean", default: false },
      quiet: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return true;
  }
  const protocol = PROTOCOLS.find((each) => each === values.protocol);
  if (!protocol) throw new Error(`--protocol is one of ${PROTOCOLS.join(", ")}`);
  const api = APIS.find((each) => each === values.api);
  if (!api) throw new Error(`--api is one of ${APIS.join(", ")}`);
  if (api !== "memory" && (values.kept || values.mutants || values.mutant !== undefined))
    throw new Error(`--api ${api} is for seeds of our own code: without --kept, --mutant and --mutants`);
  const besidesDeclared = ["mutant", "mutants", "kept", "shrink", "seed", "coverage", "quiet"] as const;
  const isMixed = besidesDeclared.some((option) => values[option] !== undefined && values[option] !== false);
  if (values.declared && (isMixed || protocol !== "mixed" || api !== "memory"))
    throw new Error("--declared goes with --seeds, --from and -o only");
  const from = wholeNumber("--from", values.from);
  const count = wholeNumber("--seeds", values.seeds);
  const isJson = values.output === "json";
  if (values.declared) return runDeclaredSeeds({ from, count, isJson });
  if (values.kept) return checkKept({ isJson, only: values.mutant });
  if (values.shrink !== undefined) {
    if (values.seed !== undefined && (values.mutants || values.mutant !== undefined))
      throw new Error("--shrink with --seed shrinks what fails by our own code: without --mutant and --mutants");
    if (values.mutants) return shrinkMutants(count, values.mutant);
    if (values.mutant !== undefined) return shrinkKept(values.shrink, mutantNamed(values.mutant));
    if (values.seed !== undefined)
      return shrinkSeed({ seed: wholeNumber("--seed", values.seed), protocol, api }, values.shrink);
    throw new Error("--shrink needs --seed, --mutant or --mutants");
  }
  if (values.seed !== undefined)
    return runOneSeed({ seed: wholeNumber("--seed", values.seed), protocol, api }, values.mutant);
  if (values.mutants) return huntMutants({ from, count, protocol, isJson, only: values.mutant });
  return runSeeds({ from, count, protocol, api, isJson, isQuiet: values.quiet, withCoverage: values.coverage });
}

function wholeNumber(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`${option} needs a whole number, not "${text}"`);
  return value;
}

main().then(
  (held) => process.exit(held ? 0 : 1),
  (error: unknown) => {
    console.error(`${describeError(error)}\nnpm run sim -- --help has examples.`);
    process.exit(2);
  },
);
