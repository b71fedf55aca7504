import { CLOUD_MUTANTS } from "./cloud-mutants.ts";
import { EDGE_LINK_MUTANTS } from "./edge-link-mutants.ts";
import { EDGE_STORE_MUTANTS } from "./edge-store-mutants.ts";
import type { Mutant } from "./mutant.ts";
import { RUNTIME_MUTANTS } from "./runtime-mutants.ts";
import { SAMPLE_MUTANTS } from "./sample-mutants.ts";
import { TWIN_MUTANTS } from "./twin-mutants.ts";

/** Planted bugs. */
export const mutants: readonly Mutant[] = [
  ...EDGE_STORE_MUTANTS,
  ...EDGE_LINK_MUTANTS,
  ...RUNTIME_MUTANTS,
  ...CLOUD_MUTANTS,
  ...TWIN_MUTANTS,
  ...SAMPLE_MUTANTS,
];

/** @throws Error when there is none of that name */
export function mutantNamed(name: string): Mutant {
  const mutant = mutants.find((each) => each.name === name);
  if (mutant) return mutant;
  throw new Error(`There is no planted bug "${name}"; there are ${mutants.map((each) => each.name).join(", ")}`);
}
