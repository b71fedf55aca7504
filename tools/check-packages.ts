// `node tools/with-node.mjs tools/check-packages.ts`: packs the packages, installs the tarballs into an empty folder as
// a user would, and plays the story with what was installed, with a node: needs root. Prints one line a check and exits 1
// when one failed.
import { spawn, spawnSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { freePorts } from "../e2e/support/free-ports.ts";
import { machineState } from "../e2e/support/machine.ts";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** EdgeCore is to have at most 70 MB in memory; raise this only together with a measurement (bench/README.md). */
const LARGEST_EDGECORE_BYTES = 800_000;
/** Modules that EdgeCore loads only when they are needed, or switched on; `dist` and `yaml` are the YAML package. */
const LOADED_ON_USE =
  /^(certificate-writer|config-file-updater|device-manager|dist|edge-traces|metaserver|process-runtime-parts|service-machine|start-tasks|yaml)-/;
const scratch = mkdtempSync(join(tmpdir(), "skerry-packages-"));
let passed = 0;
let failed = 0;

/** A bundle's modules but those that are loaded on use; of shared chunks those that one of them cannot do without. */
function loadedModules(folder: string): string[] {
  const all = globSync("*.js", { cwd: folder });
  const loaded = new Set(all.filter((name) => !name.startsWith("chunk-") && !LOADED_ON_USE.test(name)));
  // A set hands out what is added while it is walked.
  for (const name of loaded) {
    const text = readFileSync(join(folder, name), "utf8");
    for (const [, needed = ""] of text.matchAll(/(?:\bfrom|\bimport)\s*"\.\/([^"]+\.js)"/g)) loaded.add(needed);
  }
  return [...loaded].map((name) => join(folder, name));
}

function check(title: string, holds: boolean, reason = ""): void {
  if (holds) passed += 1;
  else failed += 1;
  process.stdout.write(`${holds ? "✔" : "✖"} ${title}${holds ? "" : `: ${reason.trim()}`}\n`);
}

function run(
  command: readonly string[],
  folder: string,
): {
  readonly status: number;
  readonly text: string;
} {
  const [program = "", ...parameters] = command;
  const result = spawnSync(program, parameters, {
    cwd: folder,
    encoding: "utf8",
  });
  return { status: result.status ?? -1, text: `${result.stdout}${result.stderr}` };
}

/** Runs what does not end by itself until it prints a text, then ends it. */
async function runUntil(
  wanted: string,
  command: readonly string[],
  folder: string,
): Promise<{ readonly isFound: boolean; readonly text: string }> {
  const [program = "", ...parameters] = command;
  const child = spawn(program, parameters, { cwd: folder });
  const limit = setTimeout(() => child.kill("SIGKILL"), 120_000);
  let text = "";
  const take = (chunk: Buffer): void => {
    text += chunk.toString("utf8");
    if (text.includes(wanted)) child.kill();
  };
  child.stdout.on("data", take);
  child.stderr.on("data", take);
  await new Promise((resolve) => child.once("close", resolve));
  clearTimeout(limit);
  return { isFound: text.includes(wanted), text };
}

/** A driver of one's own and one that comes as a package, in a folder that knows nothing of the repository. */
async function checkMapper(folder: string, skerry: string, driverTarball: string): Promise<void> {
  const made = run([skerry, "mapper", "new", "thermostat"], folder);
  const own = join(folder, "thermostat");
  check("skerry mapper new", made.status === 0, made.text);
  const installing = run(["npm", "install", "--no-audit", "--no-fund"], own);
  check("npm install in what it wrote", installing.status === 0, installing.text);
  const types = run([join(root, "node_modules/.bin/tsc"), "-p", "."], own);
  check("its driver has the types that the editor shows", types.status === 0, types.text);
  const lines = readFileSync(join(own, "driver.ts"), "utf8").split("\n");
  check("it has 30 lines at most", lines.filter((line) => line.trim() !== "").length <= 30);
  const tried = run([skerry, "mapper", "test", "driver.ts"], own);
  check("skerry mapper test", tried.status === 0, tried.text);
  const mapper = await runUntil("The mapper runs", [skerry, "mapper", "run", "driver.ts", "--edge-socket", "x"], own);
  check("skerry mapper run", mapper.isFound, mapper.text);
  const driver = run(["npm", "install", "--no-audit", "--no-fund", driverTarball], folder);
  check("npm install of a driver", driver.status === 0, driver.text);
  const modbus = await runUntil("The mapper runs", [skerry, "mapper", "run", "modbus", "--edge-socket", "x"], own);
  check("skerry mapper run modbus", modbus.isFound && modbus.text.includes('"protocol":"modbus"'), modbus.text);
}

/** All of it as a user has it: from an empty folder, with a node, system parts downloaded. Needs root. */
async function checkRunning(folder: string, skerry: string): Promise<void> {
  const names = ["api", "hub", "hub-https", "mqtt", "stream", "tunnel"] as const;
  const ports = await freePorts(names.length);
  const home = join(folder, ".skerry");
  const before = machineState(home);
  const kubectl = (...parameters: string[]): ReturnType<typeof run> =>
    run(["kubectl", "--kubeconfig", join(home, "kubeconfig"), ...parameters], folder);
  try {
    const options = names.flatMap((name, index) => [`--${name}-port`, String(ports[index])]);
    const up = run([skerry, "up", "--detach", ...options], folder);
    check("skerry up --detach becomes ready", up.status === 0, up.text);
    if (up.status !== 0) return;
    const nodes = kubectl("get", "nodes", "--no-headers");
    check("its node is Ready", /^edge-node-1\s+Ready\s/.test(nodes.text), nodes.text);
    const authority = run(["curl", "-sk", `https://127.0.0.1:${ports[names.indexOf("hub-https")]}/ca.crt`], folder);
    check("the installed cloudcore answers on its HTTPS port", authority.status === 0 && authority.text !== "");
    const rollout = kubectl("rollout", "status", "deployment/edge-app", "--timeout=120s");
    check("the example app is rolled out", rollout.status === 0, rollout.text);
    const address = kubectl("get", "pods", "-l", "app=edge-app", "-o", "jsonpath={.items[0].status.podIP}").text;
    const page = run(["curl", "-s", "--max-time", "10", `http://${address}:8080/`], folder);
    check("the example app answers", page.text.includes("Hello from the edge"), page.text);
    const status = run([skerry, "status"], folder);
    check("skerry status", status.status === 0, status.text);
    const demo = run([skerry, "demo"], folder);
    check("skerry demo", demo.status === 0, demo.text);
  } finally {
    const down = run([skerry, "down"], folder);
    check("skerry down", down.status === 0, down.text);
    const left = machineState(home);
    const isSame =
      before.shared === undefined || left.shared === undefined || isDeepStrictEqual(left.shared, before.shared);
    const isClean = isDeepStrictEqual({ ...left, shared: before.shared }, before);
    check("nothing stays on the machine", isSame && isClean, JSON.stringify(left));
  }
}

try {
  const dist = join(scratch, "dist");
  const packing = run([process.execPath, join(root, "tools/pack.ts"), dist], root);
  check("the packages can be packed", packing.status === 0, packing.text);
  const packed = globSync("*.tgz", { cwd: dist }).map((name) => join(dist, name));
  const tarballs = packed.filter((path) => !path.includes("-driver-"));
  check("there are three tarballs, and the drivers'", tarballs.length === 3 && packed.length > 3, packed.join(" "));

  const folder = join(scratch, "user");
  run(["mkdir", "-p", folder], scratch);
  writeFileSync(join(folder, "package.json"), "{}");
  const installing = run(["npm", "install", "--no-audit", "--no-fund", ...tarballs], folder);
  check("npm install of the tarballs in an empty folder", installing.status === 0, installing.text);

  const bundle = loadedModules(join(folder, "node_modules/@skerry/edgecore/dist"));
  const bundleBytes = bundle.reduce((sum, path) => sum + statSync(path).size, 0);
  const bundleFits = bundle.length > 0 && bundleBytes <= LARGEST_EDGECORE_BYTES;
  check(
    "EdgeCore's program is small: it stays in memory",
    bundleFits,
    `${bundleBytes} of ${LARGEST_EDGECORE_BYTES} bytes`,
  );

  const bin = (name: string): string => join(folder, "node_modules/.bin", name);
  const version = (JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string }).version;
  check("skerry --version", run([bin("skerry"), "--version"], folder).text.trim() === version);
  for (const name of ["cloudcore", "edgecore"])
    for (const option of ["--minconfig", "--defaultconfig"]) {
      const printed = run([bin(name), option], folder);
      check(`${name} ${option}`, printed.status === 0 && /kind: (Cloud|Edge)Core/.test(printed.text), printed.text);
    }

  await checkMapper(folder, bin("skerry"), packed.find((path) => path.includes("-driver-modbus-")) ?? "");
  await checkRunning(folder, bin("skerry"));
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
process.stdout.write(`packages: ${passed} passed, ${failed} failed\n`);
process.exit(failed === 0 ? 0 : 1);
