// `npm run test:long`: what is too long for each change. 2,000 seeds of the simulation with each protocol mix and a share
// of that with each protocol alone and on the embedded API server, every fault having met every way of recovery; declared
// twins; all planted bugs, and how well their kept schedules find them; the property tests from random seeds; hostile
// requests to the API server; 200 kills of the control plane; the whole restart matrix; samples over a cut of five minutes
// (the last three with real processes, as root). Its last result is kept in sim/last-long-run.md.
import { spawnSync } from "node:child_process";
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const REPORT = join(root, "sim/last-long-run.md");
const OUTPUT_LIMIT_BYTES = 64 * 1024 * 1024;

interface Part {
  readonly title: string;
  readonly parameters: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

/** Property tests are those that name fast-check. */
const propertyTests = globSync("{packages,sim}/**/*.test.ts", { cwd: root, exclude: ["**/node_modules/**"] }).filter(
  (path) => readFileSync(join(root, path), "utf8").includes('from "fast-check"'),
);

const sim = (...parameters: string[]): string[] => [
  "--disable-warning=ExperimentalWarning",
  "sim/main.ts",
  ...parameters,
];

const parts: readonly Part[] = [
  { title: "2,000 seeds, mixed", parameters: sim("--seeds", "2000", "--quiet", "--coverage") },
  {
    title: "500 seeds, skerry",
    parameters: sim("--seeds", "500", "--from", "10000", "--quiet", "--protocol", "skerry"),
  },
  {
    title: "500 seeds, kubeedge",
    parameters: sim("--seeds", "500", "--from", "10000", "--quiet", "--protocol", "kubeedge"),
  },
  { title: "500 lives with declared twins, and their planted bugs", parameters: sim("--declared", "--seeds", "500") },
  {
    title: "500 seeds, embedded API server",
    parameters: sim("--seeds", "500", "--from", "20000", "--quiet", "--api", "embedded"),
  },
  { title: "planted bugs", parameters: sim("--mutants", "--seeds", "300") },
  { title: "kept schedules with other latencies", parameters: sim("--kept") },
  {
    title: "property tests from random seeds",
    parameters: ["--import", join(root, "tools/property-seed.ts"), "--test", "--test-reporter=dot", ...propertyTests],
    environment: { SKERRY_PROPERTY_SEED: "random", SKERRY_PROPERTY_RUNS: "2000" },
  },
  {
    title: "hostile requests from random seeds",
    parameters: [
      ...["--disable-warning=ExperimentalWarning", "--import", join(root, "tools/property-seed.ts"), "--test"],
      "packages/controlplane/src/apiserver/hostile-requests.security.test.ts",
    ],
    environment: { SKERRY_PROPERTY_SEED: "random", SKERRY_HOSTILE_ROUNDS: "100" },
  },
  {
    title: "200 kills of the control plane under load",
    parameters: ["tools/run-e2e.ts", "e2e/controlplane/api-kills.test.ts"],
    environment: { SKERRY_API_KILLS: "200", SKERRY_API_KILLS_SEED: String(Date.now() % 1_000_000) },
  },
  {
    title: "restart matrix, all cells",
    parameters: ["tools/run-e2e.ts", "e2e/restart-matrix.test.ts"],
    environment: { SKERRY_E2E_LONG: "1" },
  },
  {
    title: "100 samples a second over a link that is cut for five minutes",
    parameters: ["tools/run-e2e.ts", "e2e/telemetry.test.ts"],
    environment: { SKERRY_E2E_LONG: "1" },
  },
];

/** Runs one part, shows what it says, and returns its section of the report. */
function run({ title, parameters, environment = {} }: Part): { readonly text: string; readonly passed: boolean } {
  process.stderr.write(`\n> ${title}\n`);
  const startedMs = Date.now();
  const { stdout, status } = spawnSync(process.execPath, parameters, {
    cwd: root,
    encoding: "utf8",
    maxBuffer: OUTPUT_LIMIT_BYTES,
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "inherit"],
  });
  process.stdout.write(stdout);
  const minutes = ((Date.now() - startedMs) / 60_000).toFixed(1);
  const passed = status === 0;
  return {
    passed,
    text: `## ${title}: ${passed ? "passed" : "FAILED"}, ${minutes} min\n\n\`\`\`\n${stdout.trim()}\n\`\`\`\n`,
  };
}

const commit = spawnSync("git", ["rev-parse", "--short", "HEAD"], { cwd: root, encoding: "utf8" }).stdout.trim();
const results = parts.map(run);
const head = `# The last long run\n\n\`npm run test:long\` at commit ${commit}, ${new Date().toISOString().slice(0, 10)}, Node.js ${process.versions.node}.\n`;
writeFileSync(REPORT, [head, ...results.map(({ text }) => text)].join("\n"));
process.exit(results.every(({ passed }) => passed) ? 0 : 1);
