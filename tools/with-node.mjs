// Runs a TypeScript entry with Node.js 24 or newer: the host's own, else the per-platform package of the lockfile.
// Plain JavaScript, because it has to start on any Node.js the host has; installs npm packages first if missing.
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { missingPackages } from "./installed-packages.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const neededMajor = 24;

function fail(code, message, advice) {
  process.stderr.write(`${code}: ${message}\n${advice}\n`);
  process.exit(78);
}

/** `ci` begins with an empty node_modules; `install --no-save` adds what is missing and changes no file of ours. */
function install(reason, command) {
  process.stderr.write(`Installing npm packages (${reason}) …\n`);
  const options = ["--no-audit", "--no-fund", "--loglevel=error"];
  const installed = spawnSync("npm", [...command, ...options], { cwd: root, stdio: ["ignore", 2, 2] });
  if (installed.status !== 0) {
    fail(
      "SKERRY_INSTALL_FAILED",
      `npm ${command.join(" ")} did not succeed.`,
      "See its messages above; check that the npm registry can be reached.",
    );
  }
}

const missing = missingPackages(root);
if (missing === undefined) install("first start only", ["ci"]);
else if (missing.length > 0) install(`changed: ${missing.slice(0, 3).join(", ")}`, ["install", "--no-save"]);

function nodePath() {
  if (Number(process.versions.node.split(".")[0]) >= neededMajor) return process.execPath;
  const packaged = join(root, "node_modules", `node-${process.platform}-${process.arch}`, "bin", "node");
  if (existsSync(packaged)) return packaged;
  return fail(
    "SKERRY_NODE_TOO_OLD",
    `Node.js ${process.versions.node} runs here, Skerry needs ${neededMajor}, and no packaged Node.js exists for ${process.platform}-${process.arch}.`,
    `Install Node.js ${neededMajor} or newer and start again.`,
  );
}

const node = nodePath();
const child = spawn(node, ["--disable-warning=ExperimentalWarning", ...process.argv.slice(2)], {
  stdio: "inherit",
  // Compiled code is kept: the command line starts in half the time.
  env: {
    NODE_COMPILE_CACHE: join(root, "node_modules", ".cache", "compile"),
    ...process.env,
    PATH: `${dirname(node)}:${process.env.PATH ?? ""}`,
  },
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 143)));
