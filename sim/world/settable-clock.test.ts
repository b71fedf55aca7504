import assert from "node:assert/strict";
import { test } from "node:test";
import { SettableClock } from "./settable-clock.ts";
import { VirtualClock } from "./virtual-clock.ts";

test("a clock that was set tells what the true time was when it showed something", async () => {
  const trueClock = new VirtualClock();
  const clock = new SettableClock(trueClock);
  const shown: [number, number][] = [];
  for (const offsetMs of [0, 50_000, -20_000, 100_000]) {
    clock.set(offsetMs);
    await trueClock.advance(1_000);
    shown.push([clock.now(), trueClock.now()]);
    await trueClock.advance(1_000);
  }
  for (const [shownMs, trueMs] of shown.toReversed()) assert.equal(clock.trueTimeOf(shownMs), trueMs);
});
