import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { VirtualClock } from "./virtual-clock.ts";

test("VirtualClock runs timers by time, and those of one time in the order they were set", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 50 }), { maxLength: 60 }), async (delays) => {
      const clock = new VirtualClock();
      const ran: { delayMs: number; order: number }[] = [];
      for (const [order, delayMs] of delays.entries()) clock.setTimer(delayMs, () => ran.push({ delayMs, order }));
      await clock.advance(100);
      const expected = delays
        .map((delayMs, order) => ({ delayMs, order }))
        .sort((a, b) => a.delayMs - b.delayMs || a.order - b.order);
      assert.deepEqual(ran, expected);
    }),
    { numRuns: 50 },
  );
});

test("VirtualClock runs what a promise reaction schedules before later timers", async () => {
  const clock = new VirtualClock();
  const ran: string[] = [];
  clock.setTimer(10, () => {
    void Promise.resolve()
      .then(() => undefined)
      .then(() => clock.setTimer(5, () => ran.push("chained")));
  });
  clock.setTimer(20, () => ran.push("later"));
  const cancelled = clock.setTimer(12, () => ran.push("cancelled"));
  cancelled.cancel();
  await clock.advance(30);
  assert.deepEqual(ran, ["chained", "later"]);
  assert.equal(clock.monotonicMs(), 30);
});
