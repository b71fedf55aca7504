import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLogger } from "@skerry/base";
import { ManualClock, SeededRandom } from "@skerry/base/testing";
import { WorkQueue, type WorkQueueOptions } from "./work-queue.ts";

function queueOf(
  work: WorkQueueOptions["work"],
  options: Partial<WorkQueueOptions> = {},
): { queue: WorkQueue; clock: ManualClock } {
  const clock = new ManualClock();
  const queue = new WorkQueue({ work, clock, random: new SeededRandom(1), logger: silentLogger, ...options });
  return { queue, clock };
}

test("a key added several times before its turn is worked on once", async () => {
  const worked: string[] = [];
  const { queue } = queueOf(async (key) => void worked.push(key));
  for (const key of ["a", "b", "a", "a"]) queue.add(key);
  queue.start();
  await queue.whenIdle();
  assert.deepEqual(worked, ["a", "b"]);
});

test("a key that changes while it is worked on is worked on again afterwards, never at the same time", async () => {
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let running = 0;
  let started = 0;
  const { queue, clock } = queueOf(
    async () => {
      assert.equal(++running, 1);
      await gates[started++]?.promise;
      running--;
    },
    { concurrency: 4 },
  );
  queue.start();
  queue.add("a");
  await clock.settle();
  queue.add("a");
  queue.add("a");
  await clock.settle();
  assert.equal(started, 1);
  for (const gate of gates) gate.resolve();
  await queue.whenIdle();
  assert.equal(started, 2);
});

test("no more keys than the concurrency are worked on at the same time", async () => {
  let running = 0;
  let most = 0;
  const { queue } = queueOf(
    async () => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
    },
    { concurrency: 3 },
  );
  queue.start();
  for (let index = 0; index < 20; index++) queue.add(`${index}`);
  await queue.whenIdle();
  assert.equal(most, 3);
});

test("failed work comes again with growing delays, and starts over after a success", async () => {
  const times: number[] = [];
  const { queue, clock } = queueOf(
    async () => {
      times.push(clock.monotonicMs());
      if (times.length < 4) throw new Error("not yet");
    },
    { retry: { initialMs: 100, maximumMs: 1000, jitter: 0 } },
  );
  queue.start();
  queue.add("a");
  await clock.advance(10_000);
  assert.deepEqual(times, [0, 100, 300, 700]);
});

test("of several delays for a key the earliest counts", async () => {
  const times: number[] = [];
  const { queue, clock } = queueOf(async () => void times.push(clock.monotonicMs()));
  queue.start();
  queue.addAfter("a", 500);
  queue.addAfter("a", 200);
  queue.addAfter("a", 900);
  await clock.advance(2_000);
  assert.deepEqual(times, [200]);
});

test("a key beyond the limit is refused and counted", async () => {
  const { queue } = queueOf(async () => undefined, { limit: 2 });
  for (const key of ["a", "b", "c"]) queue.add(key);
  assert.equal(queue.length, 2);
  assert.equal(queue.droppedCount, 1);
});

test("disposing waits for running work, tells it to stop and forgets the rest", async () => {
  const worked: string[] = [];
  const { queue, clock } = queueOf(async (key, signal) => {
    worked.push(key);
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
  });
  queue.start();
  queue.add("a");
  queue.add("b");
  await clock.settle();
  await queue[Symbol.asyncDispose]();
  queue.add("c");
  await clock.settle();
  assert.deepEqual(worked, ["a"]);
});
