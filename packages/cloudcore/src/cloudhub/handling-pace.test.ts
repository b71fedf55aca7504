import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "@skerry/base/testing";
import { HandlingPace } from "./handling-pace.ts";

test("after its burst a node's messages are handled at its rate", async () => {
  const clock = new ManualClock();
  using pace = new HandlingPace(clock, { burst: 3, perSecond: 10 });
  let handled = 0;
  const handle = async (): Promise<void> => {
    for (let message = 0; message < 8; message++) {
      await pace.next();
      handled++;
    }
  };
  const all = handle();
  await clock.advance(0);
  assert.equal(handled, 3);
  await clock.advance(200);
  assert.equal(handled, 5);
  await clock.advance(300);
  await all;
  assert.equal(pace.pausedCount, 5);
});

test("a wait ends with the session", async () => {
  const clock = new ManualClock();
  const pace = new HandlingPace(clock, { burst: 1, perSecond: 1 });
  assert.equal(pace.next(), undefined);
  const waiting = pace.next();
  pace[Symbol.dispose]();
  await waiting;
});
