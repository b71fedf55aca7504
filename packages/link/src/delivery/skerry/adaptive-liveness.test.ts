import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { AdaptiveLiveness, CLOUD_LIVENESS, EDGE_LIVENESS } from "./adaptive-liveness.ts";

/** Follows the due times from `fromMs`; returns when the peer was pinged and when it was found dead. */
function run(
  liveness: AdaptiveLiveness,
  untilMs: number,
  onPing: (atMs: number) => void = () => {},
): { pings: number[]; deadAtMs: number | undefined } {
  const pings: number[] = [];
  for (;;) {
    const atMs = liveness.nextCheckAtMs;
    if (atMs === undefined || atMs > untilMs) return { pings, deadAtMs: undefined };
    const verdict = liveness.check(atMs);
    assert.notEqual(verdict.kind, "fine", "what is due does something");
    if (verdict.kind === "dead") return { pings, deadAtMs: atMs };
    pings.push(atMs);
    onPing(atMs);
  }
}

test("a silent peer is found dead within a period and the ping's time, whatever went on before", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ kind: fc.constantFrom("sent", "received", "alive"), afterMs: fc.nat(400_000) }), {
        maxLength: 30,
      }),
      (events) => {
        const liveness = new AdaptiveLiveness(EDGE_LIVENESS, 0);
        let nowMs = 0;
        for (const { kind, afterMs } of events) {
          const { deadAtMs } = run(liveness, nowMs + afterMs, (atMs) => liveness.alive(atMs));
          assert.equal(deadAtMs, undefined, "a peer that answers is never taken for dead");
          nowMs += afterMs;
          if (kind === "sent") liveness.sent(nowMs);
          else if (kind === "received") liveness.received(nowMs);
          else liveness.alive(nowMs);
        }
        const { deadAtMs } = run(liveness, Number.POSITIVE_INFINITY);
        assert.ok(deadAtMs !== undefined);
        assert.ok(deadAtMs - nowMs <= EDGE_LIVENESS.idlePeriodMs + EDGE_LIVENESS.pingTimeoutMs);
      },
    ),
  );
});

test("with traffic a dead peer is found within 10 s; an idle day costs at most 4,400 pings, all of them the edge's", () => {
  const busy = new AdaptiveLiveness(EDGE_LIVENESS, 0);
  assert.equal(run(busy, 60_000).deadAtMs, 10_000);

  const edge = new AdaptiveLiveness(EDGE_LIVENESS, 0);
  const cloud = new AdaptiveLiveness(CLOUD_LIVENESS, 0);
  const { pings } = run(edge, 86_400_000, (atMs) => {
    assert.deepEqual(run(cloud, atMs).pings, [], "the edge's ping comes before the cloud would ask");
    edge.alive(atMs);
    cloud.alive(atMs);
  });
  assert.ok(pings.length <= 4_400, `${pings.length} pings`);
});

test("a day with the messages that no node does without, two in five minutes, costs at most 5,500 pings", () => {
  const edge = new AdaptiveLiveness(EDGE_LIVENESS, 0);
  const cloud = new AdaptiveLiveness(CLOUD_LIVENESS, 0);
  let pingCount = 0;
  for (let nowMs = 0; nowMs < 86_400_000; nowMs += 150_000) {
    pingCount += run(edge, nowMs, (atMs) => {
      assert.deepEqual(run(cloud, atMs).pings, [], "the edge's ping comes before the cloud would ask");
      edge.alive(atMs);
      cloud.alive(atMs);
    }).pings.length;
    edge.sent(nowMs);
    cloud.received(nowMs);
    cloud.sent(nowMs);
    edge.received(nowMs);
  }
  assert.ok(pingCount <= 5_500, `${pingCount} pings`);
});

test("while nothing is read, silence proves nothing", () => {
  const liveness = new AdaptiveLiveness(EDGE_LIVENESS, 0);
  liveness.suspend(true, 1_000);
  assert.equal(run(liveness, 100_000).deadAtMs, undefined);
  liveness.suspend(false, 100_000);
  assert.equal(liveness.nextCheckAtMs, 105_000);
});

test("a peer that is not read is shown life before its own ping's time is up, whichever side it is", () => {
  for (const [reads, waits] of [
    [EDGE_LIVENESS, CLOUD_LIVENESS],
    [CLOUD_LIVENESS, EDGE_LIVENESS],
  ] as const) {
    const peer = new AdaptiveLiveness(reads, 0);
    const liveness = new AdaptiveLiveness(waits, 0);
    // It reads now and then, but not as far as the ping.
    for (let atMs = 1_000; atMs <= 5_000; atMs += 500) liveness.suspend(atMs % 1_000 === 0, atMs);
    run(liveness, 120_000, (atMs) => {
      assert.equal(run(peer, atMs).deadAtMs, undefined);
      peer.alive(atMs);
    });
  }
});

test("a peer that is not read for more than two minutes is shown life no more, so that it finds out; reading starts anew", () => {
  for (const options of [EDGE_LIVENESS, CLOUD_LIVENESS]) {
    const liveness = new AdaptiveLiveness(options, 0);
    liveness.suspend(true, 1_000);
    // Told twice it is one suspension still, and what is sent meanwhile does not prolong it.
    liveness.suspend(true, 60_000);
    const { pings, deadAtMs } = run(liveness, 60 * 60_000);
    assert.equal(deadAtMs, undefined);
    const last = pings.at(-1) ?? 0;
    assert.ok(last > 115_000 && last <= 121_000, `the last at ${last} ms`);
    liveness.sent(130_000);
    assert.equal(liveness.nextCheckAtMs, undefined);
    assert.equal(liveness.check(200_000).kind, "fine");
    liveness.suspend(false, 300_000);
    assert.equal(liveness.nextCheckAtMs, 300_000 + options.busyPeriodMs);
    liveness.suspend(true, 301_000);
    assert.ok(run(liveness, 400_000).pings.length > 30);
  }
});
