import { setFlagsFromString } from "node:v8";

/**
 * Whether V8 collects garbage at once, instead of in small steps during which all that is allocated counts as used: while
 * a hundred pods start that takes half a second in which EdgeCore grows by 25 MB. Node.js is stopped for 20 ms then. Later
 * steps are wanted, as only they give memory back when little happens.
 */
export function collectAtOnce(isWanted: boolean): void {
  setFlagsFromString(isWanted ? "--no-incremental-marking" : "--incremental-marking");
}
