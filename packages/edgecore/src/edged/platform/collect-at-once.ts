import { setFlagsFromString } from "node:v8";

/** So long after the last start what it needed is garbage. */
const SETTLED_AFTER_MS = 5000;

let settled: NodeJS.Timeout | undefined;

/**
 * Whether V8 collects garbage at once, instead of in small steps during which all that is allocated counts as used: while
 * a hundred pods start that takes half a second in which EdgeCore grows by 25 MB. Node.js is stopped for 20 ms then.
 * Afterwards all is collected once, where Node.js was started with `--expose-gc`: what a collection at once leaves empty
 * is not given back, and little happens on a quiet node that would begin another.
 */
export function collectAtOnce(isWanted: boolean): void {
  setFlagsFromString(isWanted ? "--no-incremental-marking" : "--incremental-marking");
  clearTimeout(settled);
  if (isWanted || !globalThis.gc) return;
  settled = setTimeout(
    () => globalThis.gc?.({ type: "major", execution: "sync", flavor: "last-resort" }),
    SETTLED_AFTER_MS,
  );
  settled.unref();
}
