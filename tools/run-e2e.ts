// `npm run test:e2e`: drives the real parts, one test file after the other: processes, containers, kubectl. Needs root.
// Arguments are test files; with any given, only those run.
import { spawnSync } from "node:child_process";
import { existsSync, globSync } from "node:fs";
import { delimiter, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** Starts of real parts and containers on slow machines; timings decide no test. */
const TEST_TIMEOUT_MS = 15 * 60_000;

function fail(code: string, message: string, advice: string): never {
  process.stderr.write(`${code}: ${message}\n${advice}\n`);
  process.exit(1);
}

if (process.getuid?.() !== 0)
  fail("E2E_NEEDS_ROOT", "The end-to-end tests run containers.", "Run `npm run test:e2e` as root.");
const hasKubectl = (process.env["PATH"] ?? "").split(delimiter).some((folder) => existsSync(join(folder, "kubectl")));
if (!hasKubectl)
  fail("E2E_NEEDS_KUBECTL", "kubectl is not in PATH.", "Install it, e.g. as Debian's package kubernetes-client.");

const chosen = process.argv.slice(2);
const files = (chosen.length > 0 ? chosen : globSync("e2e/**/*.test.ts", { cwd: root }).sort()).map((file) =>
  resolve(root, file),
);
const result = spawnSync(
  process.execPath,
  [
    "--disable-warning=ExperimentalWarning",
    "--test",
    "--test-concurrency=1",
    `--test-timeout=${TEST_TIMEOUT_MS}`,
    ...files,
  ],
  { cwd: root, stdio: "inherit" },
);
process.exit(result.status ?? 1);
