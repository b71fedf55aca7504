import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { killTrees } from "./kill-trees.ts";
import { processTree } from "./process-table.ts";

/** A shell with a mark in its environment, which all below it inherit; returns the shell's id. */
async function startMarked(context: TestContext, mark: string, script: string): Promise<number> {
  const child = spawn("sh", ["-c", script], {
    stdio: ["ignore", "pipe", "ignore"],
    env: { ...process.env, KILL_TREES_TEST: mark },
  });
  context.after(() => child.kill("SIGKILL"));
  await once(child.stdout, "data");
  return child.pid ?? assert.fail();
}

/** The processes with this mark that have not ended, whoever has them for children now. */
function marked(mark: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return readFileSync(`/proc/${name}/environ`, "latin1").includes(`KILL_TREES_TEST=${mark}\0`);
      } catch {
        return false;
      }
    })
    .map(Number);
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

// Its shells are busy starting others when they are killed.
const BROOD = "brood() { for i in $(seq 200); do sleep 1000 & done; wait; }; brood & brood & echo up; wait";

test("processes that are starting others end with all that they start", { timeout: 60_000 }, async (context) => {
  for (let round = 0; round < 3; round++) {
    const mark = `${process.pid}-${round}`;
    killTrees([await startMarked(context, mark, BROOD)]);
    await until(() => marked(mark).length === 0);
  }
});

test("a tree is told with its states, and what is not there is left out", { timeout: 60_000 }, async (context) => {
  const mark = `${process.pid}-tree`;
  const root = await startMarked(context, mark, "sleep 1000 & echo up; wait");
  await until(() => processTree([root]).get(root) === "S" && marked(mark).length === 2);
  assert.deepEqual([...processTree([root]).keys()].sort(), marked(mark).sort());
  assert.deepEqual([...processTree([undefined, 2 ** 30])], []);
  killTrees([undefined, root]);
  await until(() => marked(mark).length === 0);
});
