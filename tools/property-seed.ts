// Loaded before every test file. The gate has to say the same twice, so properties are tried from one fixed seed;
// `SKERRY_PROPERTY_SEED=random` (or a number) walks other cases, and a property that fails prints its own seed.
import { configureGlobal } from "fast-check";

const seed = process.env["SKERRY_PROPERTY_SEED"] ?? "1";
const runs = process.env["SKERRY_PROPERTY_RUNS"];
configureGlobal({
  ...(seed === "random" ? {} : { seed: Number(seed) }),
  ...(runs === undefined ? {} : { numRuns: Number(runs) }),
});
