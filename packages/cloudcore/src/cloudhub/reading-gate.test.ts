import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "@skerry/base/testing";
import { ReadingGate } from "./reading-gate.ts";

test("reading stops while the rate is exceeded or messages wait, and goes on when neither holds", async () => {
  const clock = new ManualClock();
  const events: string[] = [];
  using gate = new ReadingGate({
    connection: { pause: () => events.push("pause"), resume: () => events.push("resume") },
    clock,
    rate: { burst: 2, perSecond: 10 },
    onChange: () => undefined,
  });
  gate.count();
  gate.count();
  assert.deepEqual(events, []);
  gate.count();
  gate.setBacklog(true);
  assert.deepEqual(events, ["pause"]);
  await clock.advance(100);
  assert.deepEqual(events, ["pause"], "messages still wait");
  gate.setBacklog(false);
  assert.deepEqual(events, ["pause", "resume"]);
  assert.equal(gate.throttledCount, 1);
});
