import assert from "node:assert/strict";
import { test } from "node:test";
import type { Clock } from "@skerry/base";
import { ManualClock } from "@skerry/base/testing";
import { LogPace } from "./log-pace.ts";

/** A pace whose pieces of work take time, and when each of them was begun. */
function paced(): {
  readonly clock: ManualClock;
  readonly beganMs: number[];
  readonly work: (tookMs: number) => Promise<number>;
} {
  const manual = new ManualClock();
  let workedMs = 0;
  const clock: Clock = {
    now: () => manual.now(),
    monotonicMs: () => manual.monotonicMs() + workedMs,
    setTimer: (delayMs, callback) => manual.setTimer(delayMs, callback),
  };
  const pace = new LogPace(clock);
  const beganMs: number[] = [];
  const work = (tookMs: number): Promise<number> =>
    pace.run(() => {
      beganMs.push(manual.monotonicMs());
      workedMs += tookMs;
      return tookMs;
    });
  return { clock: manual, beganMs, work };
}

test("after each block all logs rest for as long as it took, and at least for sixteen milliseconds", async () => {
  const { clock, beganMs, work } = paced();
  const results = Promise.all([work(5), work(0), work(40), work(1)]);
  await clock.advance(100);
  assert.deepEqual(beganMs, [0, 16, 32, 72]);
  assert.deepEqual(await results, [5, 0, 40, 1]);
});

test("a block that comes after the rest begins at once, and one that fails does not hold up the others", async () => {
  const { clock, beganMs, work } = paced();
  await work(5);
  await clock.advance(50);
  await work(5);
  assert.deepEqual(beganMs, [0, 50]);
  const pace = new LogPace(clock);
  const failed = pace.run(() => {
    throw new Error("unreadable");
  });
  await assert.rejects(failed, /unreadable/);
  assert.equal(await pace.run(() => "next"), "next");
});
