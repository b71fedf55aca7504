import assert from "node:assert/strict";
import { test } from "node:test";
import { PatientLiveness } from "./patient-liveness.ts";
import { AdaptiveLiveness, EDGE_LIVENESS } from "./skerry/index.ts";

/** A link that was pinged; the answer is due 5 s later. */
function pinged(): { readonly liveness: PatientLiveness; readonly answerDueMs: number } {
  const liveness = new PatientLiveness(new AdaptiveLiveness(EDGE_LIVENESS, 0));
  assert.equal(liveness.check(liveness.nextCheckAtMs ?? 0).kind, "ping");
  return { liveness, answerDueMs: liveness.nextCheckAtMs ?? 0 };
}

// Found with 2,000 nodes on two cores: a burst of pods kept CloudCore and the nodes' process busy for seconds, and 1,865
// links were cut though each answer had come.
test("a peer whose answer lies unread while this process stood still is not taken for dead", () => {
  const { liveness, answerDueMs } = pinged();
  const wakesMs = answerDueMs + 7_000;
  assert.equal(liveness.check(wakesMs).kind, "fine");
  liveness.alive(wakesMs + 10);
  assert.equal(liveness.check(wakesMs + 2_000).kind, "fine");
  assert.equal(liveness.check(liveness.nextCheckAtMs ?? 0).kind, "ping");
});

test("a peer that stays silent after this process stood still is found dead two seconds later", () => {
  const { liveness, answerDueMs } = pinged();
  const wakesMs = answerDueMs + 60_000;
  assert.equal(liveness.check(wakesMs).kind, "fine");
  assert.equal(liveness.nextCheckAtMs, wakesMs + 2_000);
  assert.equal(liveness.check(wakesMs + 2_000).kind, "dead");
});

test("while checks keep coming late the peer's silence proves nothing", () => {
  const { liveness, answerDueMs } = pinged();
  for (let nowMs = answerDueMs + 1_500; nowMs < answerDueMs + 60_000; nowMs += 4_000)
    assert.equal(liveness.check(nowMs).kind, "fine");
});

test("a check in time finds a dead peer as before", () => {
  const { liveness, answerDueMs } = pinged();
  assert.equal(liveness.check(answerDueMs).kind, "dead");
});

test("a ping that is due goes out though its check comes late, and its answer has the whole time", () => {
  const liveness = new PatientLiveness(new AdaptiveLiveness(EDGE_LIVENESS, 0));
  const lateMs = (liveness.nextCheckAtMs ?? 0) + 9_000;
  assert.equal(liveness.check(lateMs).kind, "ping");
  assert.equal(liveness.nextCheckAtMs, lateMs + EDGE_LIVENESS.pingTimeoutMs);
});
