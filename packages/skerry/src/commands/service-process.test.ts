import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { test } from "node:test";

const MODULE = new URL("./service-process.ts", import.meta.url).href;
/** Says where it is, and goes on at each line that it is told. */
const PROGRAM = `
import { once } from "node:events";
import { createInterface } from "node:readline";
import { runService } from ${JSON.stringify(MODULE)};
const lines = createInterface(process.stdin);
const toldToGoOn = async (where) => {
  const line = once(lines, "line");
  process.stdout.write(where + "\\n");
  await line;
};
const start = async () => {
  await toldToGoOn("starting");
  return {
    service: { [Symbol.asyncDispose]: async () => void process.stdout.write("stopped\\n") },
    shutDown: () => toldToGoOn("ending pods"),
  };
};
process.exitCode = await runService(start, { hasShutdown: true });
lines.close();
`;

test("SIGPWR during the start is heeded after it, and once more it does not cut the pods' time short", async (context) => {
  const child = spawn(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", "--input-type=module", "--eval", PROGRAM],
    { stdio: ["pipe", "pipe", "inherit"] },
  );
  context.after(() => child.kill("SIGKILL"));
  const exited = once(child, "exit");
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  assert.equal((await lines.next()).value, "starting");
  child.kill("SIGPWR");
  child.stdin.write("go on\n");
  assert.equal((await lines.next()).value, "ending pods");
  child.kill("SIGPWR");
  child.stdin.write("go on\n");
  assert.equal((await lines.next()).value, "stopped");
  assert.deepEqual(await exited, [0, null]);
});
