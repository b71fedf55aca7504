// `npm test`: style, types, architecture, unit tests, golden replay and a short simulation. Needs no root.
// Arguments are test files or folders; with any given, only those tests run.
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));

function run(title: string, command: string, ...parameters: string[]): void {
  process.stderr.write(`\n> ${title}\n`);
  const result = spawnSync(command, parameters, { cwd: root, stdio: "inherit" });
  if (result.status !== 0) process.exit(result.status ?? 1);
}

const chosen = process.argv.slice(2);
const patterns =
  chosen.length > 0
    ? chosen.map((path) => (path.endsWith(".ts") ? path : join(path, "**/*.test.ts")))
    : [
        "packages/*/src/**/*.test.ts",
        "mappers/**/*.test.ts",
        "tools/**/*.test.ts",
        "sim/**/*.test.ts",
        "e2e/support/**/*.test.ts",
      ];
const files = patterns.flatMap((pattern) => globSync(pattern, { cwd: root })).map((file) => resolve(root, file));
if (files.length === 0) {
  process.stderr.write(`No test is in ${chosen.join(", ")}.\n`); // Node.js itself would run each test it finds.
  process.exit(2);
}

if (chosen.length === 0) {
  run("style", join(root, "node_modules/.bin/biome"), "check", "--error-on-warnings", ".");
  run("types", join(root, "node_modules/.bin/tsc"), "-p", ".");
}
/** For each test: ten times what the longest takes, as other work may share the machine. */
const TIMEOUT_MS = 300_000;

run(
  `tests (${files.length} files)`,
  process.execPath,
  "--disable-warning=ExperimentalWarning",
  "--import",
  join(root, "tools/property-seed.ts"),
  "--test",
  `--test-timeout=${TIMEOUT_MS}`,
  ...files,
);
