// `npm run test:e2e`: drives the real parts, processes, containers and kubectl. One test file runs after the other, those of
// e2e/controlplane beside them. Needs root.
// Arguments are test files; with any given, only those run.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, globSync } from "node:fs";
import { delimiter, dirname, join, resolve, sep } from "node:path";
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
/** These need no node and leave the machine as it is, so they run beside the others. */
const isOfControlPlane = (file: string): boolean => file.startsWith(join(root, "e2e", "controlplane") + sep);
const aside = runTests(
  files.filter((file) => isOfControlPlane(file)),
  "pipe",
);
const main = runTests(
  files.filter((file) => !isOfControlPlane(file)),
  "inherit",
);
const { status } = await main;
const others = await aside;
process.stdout.write(others.output);
process.exit(status || others.status);

/** Runs test files one after the other. */
async function runTests(
  testFiles: readonly string[],
  output: "inherit" | "pipe",
): Promise<{ readonly status: number; readonly output: string }> {
  if (testFiles.length === 0) return { status: 0, output: "" };
  const parameters = ["--test", "--test-concurrency=1", `--test-timeout=${TEST_TIMEOUT_MS}`, ...testFiles];
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", ...parameters], {
    cwd: root,
    stdio: ["inherit", output, "inherit"],
  });
  const chunks: Buffer[] = [];
  child.stdout?.on("data", (chunk: Buffer) => chunks.push(chunk));
  const [code] = (await once(child, "close")) as [number | null];
  return { status: code ?? 1, output: Buffer.concat(chunks).toString("utf8") };
}
