import assert from "node:assert/strict";
import { test } from "node:test";
import type { FleetSample } from "./fleet-messages.ts";
import { fleetState, TimeCounts } from "./fleet-report.ts";

const sample: FleetSample = {
  kind: "sample",
  started: 2,
  joined: 2,
  connected: 1,
  containers: 3,
  sessions: 4,
  sentBytes: 10,
  receivedBytes: 20,
  deliveriesMs: [],
  lateMs: 5,
  residentBytes: 100,
};

test("a fleet is the sum of its processes, as late as the latest of them", () => {
  const state = fleetState(4, [sample, { ...sample, lateMs: 70, failure: "refused" }], 3);
  assert.deepEqual(
    { ...state },
    {
      nodes: 4,
      started: 4,
      joined: 4,
      connected: 2,
      ready: 3,
      containers: 6,
      sessions: 8,
      sentBytes: 20,
      receivedBytes: 40,
      lateMs: 70,
      residentBytes: 200,
      failure: "refused",
    },
  );
});

test("percentiles of counted times are within some per cent, and 0 of nothing", () => {
  const times = new TimeCounts();
  assert.equal(times.percentile(0.5), 0);
  for (let time = 1; time <= 1000; time++) times.add(time);
  assert.equal(times.total, 1000);
  assert.ok(Math.abs(times.percentile(0.5) - 500) <= 20, String(times.percentile(0.5)));
  assert.ok(Math.abs(times.percentile(0.99) - 990) <= 30, String(times.percentile(0.99)));
});
