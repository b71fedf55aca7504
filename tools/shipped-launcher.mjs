#!/usr/bin/env node
// Runs the bundle beside it with Node.js 24 or newer: the host's own, else the per-platform package. Plain JavaScript,
// because it has to start on any Node.js the host has. V8's compile cache halves the start; it lives in the package.
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const neededMajor = 24;
const folder = dirname(dirname(fileURLToPath(import.meta.url)));

function nodePath() {
  if (Number(process.versions.node.split(".")[0]) >= neededMajor) return process.execPath;
  const name = `node-${process.platform}-${process.arch}`;
  try {
    return join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), "bin", "node");
  } catch {
    process.stderr.write(
      `SKERRY_NODE_TOO_OLD: Node.js ${process.versions.node} runs here, Skerry needs ${neededMajor}, and the package ${name} is not installed.\nInstall Node.js ${neededMajor} or newer and start again.\n`,
    );
    return process.exit(78);
  }
}

const node = nodePath();
const child = spawn(
  node,
  ["--disable-warning=ExperimentalWarning", join(folder, "dist", "main.js"), ...process.argv.slice(2)],
  {
    stdio: "inherit",
    env: {
      NODE_COMPILE_CACHE: join(folder, ".compile-cache"),
      ...process.env,
      PATH: `${dirname(node)}:${process.env.PATH ?? ""}`,
    },
  },
);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 143)));
