import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Liveness } from "./liveness.ts";

const options = { messageTimeoutMs: 30_000, pingAfterMs: 6_000, pingTimeoutMs: 5_000 };

// Found by the simulation (seed 19): clocks are fractional, and `due - now` rounded to just below the limit, so that the
// session checked again and again in one and the same moment.
test("a check at the time it is due always leads on, also when times are fractions", () => {
  const fraction = fc.double({ min: 0, max: 1e9, noNaN: true });
  fc.assert(
    fc.property(fraction, (startMs) => {
      const liveness = new Liveness(options, startMs);
      const pingDueMs = liveness.nextCheckAtMs ?? Number.NaN;
      assert.equal(liveness.check(pingDueMs).kind, "ping");
      const deadDueMs = liveness.nextCheckAtMs ?? Number.NaN;
      assert.ok(deadDueMs > pingDueMs);
      assert.equal(liveness.check(deadDueMs).kind, "dead");
    }),
    { examples: [[10_470.462549310178]] },
  );
});

test("a peer that sends nothing but pongs dies after the message timeout", () => {
  const liveness = new Liveness(options, 0);
  for (let nowMs = 1000; nowMs < 30_000; nowMs += 1000) {
    liveness.alive(nowMs);
    assert.equal(liveness.check(nowMs).kind, "fine");
  }
  liveness.alive(30_000);
  assert.equal(liveness.check(30_000).kind, "dead");
});

test("while this side does not read, silence proves nothing", () => {
  const liveness = new Liveness(options, 0);
  liveness.suspend(true, 100);
  assert.equal(liveness.nextCheckAtMs, undefined);
  assert.equal(liveness.check(1e6).kind, "fine");
  liveness.suspend(false, 1e6);
  assert.equal(liveness.check(1e6).kind, "fine");
});
