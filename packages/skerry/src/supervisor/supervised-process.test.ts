import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { isSkerryError, silentLogger } from "@skerry/base";
import { systemClock } from "@skerry/base/platform";
import { type PartDescription, SupervisedProcess } from "./supervised-process.ts";

const READY = `process.send({ kind: "ready", facts: { answer: 42 } }); setInterval(() => {}, 1000);`;

function part(context: TestContext, program: string, more: Partial<PartDescription> = {}): SupervisedProcess {
  const folder = mkdtempSync(join(tmpdir(), "skerry-part-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "part.mjs");
  writeFileSync(file, program);
  const description: PartDescription = {
    name: "part",
    command: [process.execPath, file],
    logPath: join(folder, "part.log"),
    readiness: { kind: "message" },
    ...more,
  };
  return new SupervisedProcess(description, systemClock, silentLogger, () => {});
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(10);
}

test("a part is running when it says so, and ends when it is told to", async (context) => {
  await using supervised = part(context, READY);
  await supervised.start();
  assert.equal(supervised.state.kind, "running");
  assert.equal(supervised.facts["answer"], 42);
  await supervised.stop();
  assert.equal(supervised.state.kind, "stopped");
  assert.equal(supervised.restarts, 0);
});

test("a part that is killed is started again", async (context) => {
  await using supervised = part(context, READY);
  await supervised.start();
  const first = supervised.processId;
  assert.ok(first !== undefined);
  process.kill(first, "SIGKILL");
  await until(() => supervised.state.kind === "running" && supervised.processId !== first);
  assert.equal(supervised.restarts, 1);
});

test("a part's own error reaches who starts it, and the part is not started again", async (context) => {
  await using supervised = part(
    context,
    `process.send({ kind: "failed", code: "THING_BROKEN", message: "The thing is broken", advice: "Mend it." }); process.exitCode = 1; process.disconnect();`,
  );
  await assert.rejects(supervised.start(), (error) => isSkerryError(error, "THING_BROKEN"));
  await until(() => supervised.state.kind === "stopped");
});

test("a part that ends before it is ready gives a coded error and its output is in the log", async (context) => {
  await using supervised = part(context, `console.error("no such thing"); process.exit(3);`);
  await assert.rejects(supervised.start(), (error) => isSkerryError(error, "SKERRY_PART_NOT_READY"));
  await until(() => readFileSync(supervised.description.logPath, "utf8") === "no such thing\n");
});

test("a part that does not end by itself is killed", async (context) => {
  await using supervised = part(context, `process.on("SIGTERM", () => {}); ${READY}`, { stopTimeoutMs: 100 });
  await supervised.start();
  await supervised.stop();
  assert.equal(supervised.state.kind, "stopped");
});

test("a program that does not exist gives a coded error", async (context) => {
  await using supervised = part(context, "", { command: ["/nowhere/program"] });
  await assert.rejects(supervised.start(), (error) => isSkerryError(error, "SKERRY_PART_NOT_READY"));
});

test("a part that fails with a code after it was ready is started again", async (context) => {
  await using supervised = part(
    context,
    `process.send({ kind: "ready", facts: {} });
     const again = process.argv[1] + ".again";
     const { existsSync, writeFileSync } = await import("node:fs");
     if (existsSync(again)) setInterval(() => {}, 1000);
     else {
       writeFileSync(again, "");
       setTimeout(() => {
         process.send({ kind: "failed", code: "THING_BROKEN", message: "The thing is broken", advice: "Mend it." });
         process.exitCode = 1;
         process.disconnect();
       }, 50);
     }`,
  );
  await supervised.start();
  await until(() => supervised.state.kind === "running" && supervised.restarts === 1);
});
