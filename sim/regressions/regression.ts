import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Schedule } from "../schedule/schedule.ts";

/** A schedule that once failed, shrunk; kept in `NAME.json` beside this file. */
export interface Regression {
  /** What it found. */
  readonly found: string;
  /** Planted bug under which it fails; undefined: it failed by our own code, which was put right. */
  readonly mutant?: string;
  /** Invariant that broke. */
  readonly invariant: string;
  readonly schedule: Schedule;
}

/** All of them, by name. */
export function readRegressions(): Map<string, Regression> {
  const names = readdirSync(import.meta.dirname).filter((name) => name.endsWith(".json"));
  return new Map(
    names.sort().map((name) => [
      name.replace(/\.json$/, ""),
      // Written by `npm run sim -- --shrink`.
      JSON.parse(readFileSync(join(import.meta.dirname, name), "utf8")) as Regression,
    ]),
  );
}
