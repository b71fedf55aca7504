import { readFileSync, statSync } from "node:fs";

/** Reads a text file. Throws when it is longer or cannot be read; `fileProblem` has the words. */
export function readTextFile(path: string, longestBytes: number): string {
  if (statSync(path).size > longestBytes) throw new Error(`it has more than ${longestBytes} bytes`);
  return readFileSync(path, "utf8");
}
