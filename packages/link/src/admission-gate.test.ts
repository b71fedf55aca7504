import assert from "node:assert/strict";
import { test } from "node:test";
import { AdmissionGate } from "./admission-gate.ts";

const limits = { perSecond: 100, burst: 50, maxRetryAfterMs: 30_000 };

test("a burst is let in, more are led in at the rate, and each who is sent away has a time of its own", () => {
  const gate = new AdmissionGate(0, limits);
  const verdicts = Array.from({ length: 150 }, () => gate.admit(0));
  assert.equal(verdicts.filter(({ kind }) => kind === "admitted").length, 50);
  const times = verdicts.flatMap((verdict) => (verdict.kind === "busy" ? [verdict.retryAfterMs] : []));
  assert.equal(new Set(times).size, 100);
  assert.equal(times[0], 1010);
  assert.equal(times.at(-1), 2000, "the hundred are spread over a second");
  assert.equal(gate.refusedCount, 100);
});

test("two thousand nodes that come at once are all in as soon as the rate allows, when they keep to what they are told", () => {
  const gate = new AdmissionGate(0, limits);
  const due = Array.from({ length: 2000 }, (_, index) => ({ node: index, atMs: 0 }));
  let admitted = 0;
  let tries = 0;
  let lastMs = 0;
  while (due.length > 0) {
    due.sort((left, right) => left.atMs - right.atMs);
    const next = due.shift();
    assert.ok(next);
    tries++;
    const verdict = gate.admit(next.atMs);
    if (verdict.kind === "busy") due.push({ node: next.node, atMs: next.atMs + verdict.retryAfterMs });
    else {
      admitted++;
      lastMs = next.atMs;
    }
  }
  assert.equal(admitted, 2000);
  assert.ok(lastMs <= 25_000, `the last one after ${lastMs} ms`);
  assert.ok(tries <= 2 * 2000, `${tries} tries`);
});

test("nobody is sent away for longer than the limit", () => {
  const gate = new AdmissionGate(0, { ...limits, maxRetryAfterMs: 5_000 });
  for (let index = 0; index < 5000; index++) {
    const verdict = gate.refuse(0, "busy");
    assert.ok(verdict.kind === "busy" && verdict.retryAfterMs > 0 && verdict.retryAfterMs <= 5_000);
  }
});
