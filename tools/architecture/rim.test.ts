import assert from "node:assert/strict";
import { test } from "node:test";
import { sourceFiles } from "./source-files.ts";

/** Pure parts of Node.js that the logic may use: no I/O, no time, no randomness. */
const allowedNodeModules = new Set(["node:path", "node:path/posix", "node:assert/strict"]);

/** What reaches the machine, time or chance; allowed only in `platform/` folders and tests. */
const forbidden: readonly [RegExp, string][] = [
  [/\bDate\.now\b/, "Date.now (take a Clock)"],
  [/\bnew Date\(\s*\)/, "new Date() (take a Clock)"],
  [/\bMath\.random\b/, "Math.random (take a Random)"],
  [/(?<![\w.#])(setTimeout|setInterval|setImmediate)\s*\(/, "timers (take a Clock)"],
  [/(?<![\w.])performance\.\w/, "performance (take a Clock)"],
  [/(?<![\w.])process\.\w/, "process (take a port)"],
  [/(?<![\w.])crypto\.\w/, "crypto (take a port)"],
  [/(?<![\w.#])fetch\s*\(/, "fetch (take a port)"],
  [/\bAbortSignal\.timeout\b/, "AbortSignal.timeout (take a Clock)"],
  [/^(export )?let /m, "mutable module state"],
];

test("outside platform/ the logic reaches the machine only through ports", () => {
  const wrong: string[] = [];
  for (const file of sourceFiles()) {
    if (file.isTest || file.isPlatform) continue;
    if (file.packageName === "skerry") continue; // The composition root and the command line live at the rim.
    for (const specifier of file.imports) {
      if (specifier.startsWith("node:") && !allowedNodeModules.has(specifier))
        wrong.push(`${file.path}: imports ${specifier}`);
      if (specifier.endsWith("/platform") || /\/platform\//.test(specifier))
        wrong.push(`${file.path}: imports ${specifier}`);
    }
    for (const [pattern, name] of forbidden) if (pattern.test(file.code)) wrong.push(`${file.path}: uses ${name}`);
  }
  assert.deepEqual(wrong, []);
});
