// `node tools/with-node.mjs tools/check-packages.ts`: packs the packages, installs the tarballs into an empty folder as
// a user would, and starts what was installed. Prints one line a check and exits 1 when one failed.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const START_LIMIT_MS = 60_000;
const scratch = mkdtempSync(join(tmpdir(), "skerry-packages-"));
let passed = 0;
let failed = 0;

function check(title: string, holds: boolean, reason = ""): void {
  if (holds) passed += 1;
  else failed += 1;
  process.stdout.write(`${holds ? "✔" : "✖"} ${title}${holds ? "" : `: ${reason.trim()}`}\n`);
}

function run(
  command: readonly string[],
  folder: string,
  environment: Record<string, string> = {},
): {
  readonly status: number;
  readonly text: string;
} {
  const [program = "", ...parameters] = command;
  const result = spawnSync(program, parameters, {
    cwd: folder,
    encoding: "utf8",
    env: { ...process.env, ...environment },
  });
  return { status: result.status ?? -1, text: `${result.stdout}${result.stderr}` };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

/** Waits until the text is in the child's output. */
async function waitFor(child: ChildProcess, output: () => string, text: string): Promise<boolean> {
  const deadline = performance.now() + START_LIMIT_MS;
  while (!output().includes(text) && child.exitCode === null && performance.now() < deadline) await delay(50);
  return output().includes(text);
}

try {
  const dist = join(scratch, "dist");
  const packing = run([process.execPath, join(root, "tools/pack.ts"), dist], root);
  check("the packages can be packed", packing.status === 0, packing.text);
  const tarballs = globSync("*.tgz", { cwd: dist }).map((name) => join(dist, name));
  check("there are three tarballs", tarballs.length === 3, tarballs.join(" "));

  const folder = join(scratch, "user");
  run(["mkdir", "-p", folder], scratch);
  writeFileSync(join(folder, "package.json"), "{}");
  const installing = run(["npm", "install", "--no-audit", "--no-fund", ...tarballs], folder);
  check("npm install of the tarballs in an empty folder", installing.status === 0, installing.text);

  const bin = (name: string): string => join(folder, "node_modules/.bin", name);
  const version = (JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string }).version;
  check("skerry --version", run([bin("skerry"), "--version"], folder).text.trim() === version);
  for (const name of ["cloudcore", "edgecore"])
    for (const option of ["--minconfig", "--defaultconfig"]) {
      const printed = run([bin(name), option], folder);
      check(`${name} ${option}`, printed.status === 0 && /kind: (Cloud|Edge)Core/.test(printed.text), printed.text);
    }

  // The cloud side as it was installed: a Kubernetes API and CloudCore that answer.
  const [apiPort, hubPort, httpsPort] = [await freePort(), await freePort(), await freePort()];
  const home = join(scratch, "home");
  const options = ["--api-port", String(apiPort), "--hub-port", String(hubPort), "--hub-https-port", String(httpsPort)];
  const child = spawn(bin("skerry"), ["up", "--no-node", ...options], {
    cwd: folder,
    env: { ...process.env, SKERRY_HOME: home },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  child.stdout.on("data", (chunk) => {
    output += String(chunk);
  });
  child.stderr.on("data", (chunk) => {
    output += String(chunk);
  });
  const ready = await waitFor(child, () => output, "Skerry is ready");
  check("skerry up --no-node becomes ready", ready, output);
  if (ready) {
    const kubectl = ["kubectl", "--kubeconfig", join(home, "kubeconfig")];
    const definitions = run([...kubectl, "get", "crd", "-o", "name"], folder);
    check(
      "the installed control plane has CloudCore's definitions",
      definitions.text.includes("devices.kubeedge.io"),
      definitions.text,
    );
    const authority = run(["curl", "-sk", `https://127.0.0.1:${httpsPort}/ca.crt`], folder);
    check(
      "the installed cloudcore answers on its HTTPS port",
      authority.status === 0 && authority.text.length > 0,
      authority.text,
    );
    check("skerry status", run([bin("skerry"), "status"], folder, { SKERRY_HOME: home }).status === 0);
  }
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  await ended;
  check("it stops when it is told to", !existsSync(join(home, "run/lock.json")));
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
process.stdout.write(`packages: ${passed} passed, ${failed} failed\n`);
process.exit(failed === 0 ? 0 : 1);
