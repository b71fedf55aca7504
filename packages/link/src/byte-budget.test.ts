import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ByteBudget, parseByteBudget } from "./byte-budget.ts";
import type { Message } from "./message.ts";

function message(source: string, group: string, operation: string, resource: string): Message {
  return { header: { msg_id: "1", timestamp: 0 }, route: { source, group, operation, resource }, content: null };
}

const upload = message("bus", "user", "upload", "sensors/hall");
const samples = message("telemetry", "telemetry", "append", "samples");
const event = message("edged", "meta", "insert", "default/event/e");
const podStatus = message("edged", "meta", "patch", "default/podpatch/web");
const control = [
  message("edged", "meta", "patch", "null/nodepatch/edge-1"),
  message("edged", "meta", "insert", "null/node/edge-1"),
  message("edged", "meta", "query", "default/serviceaccounttoken/default"),
  message("edgecontroller", "resource", "response", "default/pod/web"),
  message("skerry", "set", "inventory", "set"),
  message("nobody", "nothing", "never", "known"),
];

/** Which kinds of messages go: telemetry, events, states. */
function admitted(budget: ByteBudget, nowMs: number): string {
  assert.ok(
    control.every((each) => budget.admits(each, nowMs)),
    "control is never kept back",
  );
  assert.equal(budget.admits(upload, nowMs), budget.admits(samples, nowMs));
  const kinds = Object.entries({ telemetry: samples, event, state: podStatus });
  return kinds
    .filter(([, each]) => budget.admits(each, nowMs))
    .map(([kind]) => kind)
    .join(" ");
}

test("a budget that runs out keeps telemetry back first, then events; states go once a minute, control always", () => {
  const budget = new ByteBudget({ bytesPerDay: 86_400_000, burstBytes: 1_000_000 }, 0);
  assert.equal(admitted(budget, 0), "telemetry event state");
  budget.spend(600_000, 0);
  assert.equal(admitted(budget, 0), "event state");
  budget.spend(200_000, 0);
  assert.equal(admitted(budget, 0), "state");
  budget.spend(400_000, 0);
  assert.equal(admitted(budget, 0), "", "the state before was a moment ago");
  assert.equal(admitted(budget, 59_000), "");
  assert.equal(admitted(budget, 60_000), "state");
  const { held, leftBytes, stage } = budget.status(60_000);
  assert.equal(stage, "states-rarer");
  assert.equal(leftBytes, -140_000);
  assert.deepEqual(held, { telemetry: 15, event: 4, state: 2 });
});

test("a budget fills again by its day's rate, up to its burst", () => {
  const budget = new ByteBudget({ bytesPerDay: 86_400_000, burstBytes: 1_000_000 }, 0);
  budget.spend(1_000_000, 0);
  assert.equal(budget.status(500_000).leftBytes, 500_000);
  assert.equal(admitted(budget, 500_000), "telemetry event state");
  assert.equal(budget.status(1e9).leftBytes, 1_000_000);
});

test("telemetry that keeps to what it is told costs no more than the budget, whatever it wants to send", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ afterMs: fc.nat(600_000), bytes: fc.nat(50_000) }), { maxLength: 200 }),
      (sends) => {
        const limits = { bytesPerDay: 10_000_000, burstBytes: 500_000 };
        const budget = new ByteBudget(limits, 0);
        let [nowMs, spent] = [0, 0];
        for (const { afterMs, bytes } of sends) {
          nowMs += afterMs;
          if (!budget.admits(upload, nowMs)) continue;
          budget.spend(bytes, nowMs);
          spent += bytes;
        }
        assert.ok(spent <= limits.burstBytes / 2 + 50_000 + (limits.bytesPerDay * nowMs) / 86_400_000, String(spent));
      },
    ),
  );
});

test("a budget is written as bytes a day, with or without what may go at once", () => {
  assert.deepEqual(parseByteBudget("20M"), { bytesPerDay: 20e6, burstBytes: 2e6 });
  assert.deepEqual(parseByteBudget(" 2Gi , burst 64Mi "), { bytesPerDay: 2 * 2 ** 30, burstBytes: 64 * 2 ** 20 });
  assert.deepEqual(parseByteBudget("500000, burst 20k"), { bytesPerDay: 500_000, burstBytes: 20_000 });
  for (const wrong of ["", "lots", "20MB", "-5M", "10k", "20M burst 1M", "20M, burst 1k", "9".repeat(30)])
    assert.equal(parseByteBudget(wrong), undefined, wrong);
});
