import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/**
 * V8's collection of all garbage, which gives empty pages back to the system as well. New contexts have the function, so
 * that Node.js need not be started with `--expose-gc`.
 */
export function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  // V8's own function; `runInNewContext` knows no types.
  const collect: NodeJS.GCFunction = runInNewContext("gc");
  collect({ type: "major", execution: "sync", flavor: "last-resort" });
}
