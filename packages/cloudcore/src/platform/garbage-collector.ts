/**
 * V8's collection of all garbage, which gives empty pages back to the system as well. Undefined where Node.js was not
 * started with `--expose-gc`.
 */
export function garbageCollector(): (() => void) | undefined {
  const { gc } = globalThis;
  return gc && (() => gc({ type: "major", execution: "sync", flavor: "last-resort" }));
}
