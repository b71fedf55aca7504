import assert from "node:assert/strict";
import { test } from "node:test";
import { Listeners, silentLogger } from "@skerry/base";
import { ManualClock } from "@skerry/base/testing";
import type { CloudLinkState } from "../../edgehub/index.ts";
import { OfflineUsage } from "./offline-usage.ts";
import type { MeteredUsage } from "./usage-meter.ts";

const MINUTE_MS = 60_000;

/** A node with a link that is cut and restored, and containers. */
function world(containerCount = 2) {
  const clock = new ManualClock();
  const states = new Listeners<CloudLinkState>(() => assert.fail("a listener failed"));
  let measured = 0;
  const measure = async (): Promise<MeteredUsage> => {
    measured++;
    const atMs = clock.now();
    const used = { atMs, cpuNanos: clock.monotonicMs() * 1e6, memoryWorkingSetBytes: 7 };
    return {
      machine: { ...used, memoryAvailableBytes: 1, diskTotalBytes: 1, diskAvailableBytes: 1, nanoCores: 0 },
      containers: Array.from({ length: containerCount }, (_value, index) => ({
        ...used,
        ...{ namespace: "default", pod: "web", podUid: "uid", container: `c${index}` },
        ...{ memoryUsageBytes: 1, memoryRssBytes: 1, diskUsedBytes: 1, diskInodes: 1, nanoCores: 0 },
      })),
    };
  };
  const cloudLink = {
    state: { kind: "connected" } as CloudLinkState,
    onState: (listener: (state: CloudLinkState) => void) => states.add(listener),
  };
  const offline = new OfflineUsage({ meter: { measure }, cloudLink, clock, logger: silentLogger });
  const link = (kind: "connected" | "disconnected"): void => {
    const state = kind === "connected" ? connected : disconnected;
    states.emit(state);
  };
  return { clock, offline, link, measured: () => measured };
}

const connected = { kind: "connected" } as CloudLinkState;
const disconnected = { kind: "disconnected" } as CloudLinkState;

test("a node that was scraped measures on while it is offline, with the times of then", async () => {
  const { clock, offline, link } = world();
  const cutMs = clock.now();
  assert.deepEqual(offline.since(0), { measurements: [], complete: true });
  link("disconnected");
  await clock.advance(10 * MINUTE_MS);
  link("connected");
  await clock.advance(MINUTE_MS);
  const { measurements, complete } = offline.since(0);
  assert.equal(complete, true);
  assert.deepEqual(
    measurements.map(({ machine }) => machine.atMs - cutMs),
    Array.from({ length: 20 }, (_value, index) => (index + 1) * 30_000),
  );
  const [first] = measurements;
  assert.deepEqual(first?.containers[1], {
    ...{ namespace: "default", pod: "web", podUid: "uid", container: "c1" },
    ...{ atMs: cutMs + 30_000, cpuNanos: 30_000 * 1e6, memoryWorkingSetBytes: 7 },
  });
  assert.equal(offline.since(measurements[17]?.machine.atMs ?? 0).measurements.length, 2);
});

test("a node that nobody scrapes measures nothing, and one that is online neither", async () => {
  const { clock, offline, link, measured } = world();
  link("disconnected");
  await clock.advance(10 * MINUTE_MS);
  link("connected");
  offline.since(0);
  await clock.advance(11 * MINUTE_MS);
  link("disconnected");
  await clock.advance(10 * MINUTE_MS);
  assert.equal(measured(), 0);
});

test("a long outage is kept from its beginning to its end in coarser steps, within a limit", async () => {
  const { clock, offline, link } = world();
  offline.since(0);
  const cutMs = clock.now();
  link("disconnected");
  await clock.advance(3 * 24 * 60 * MINUTE_MS);
  link("connected");
  const { measurements } = offline.since(0);
  assert.ok(measurements.length > 100 && measurements.length <= 240, String(measurements.length));
  assert.equal(measurements[0]?.machine.atMs, cutMs + 30_000);
  const gaps = measurements.map(
    ({ machine }, index) => machine.atMs - (measurements[index - 1]?.machine.atMs ?? cutMs),
  );
  assert.ok(Math.max(...gaps) <= 40 * MINUTE_MS, String(Math.max(...gaps) / MINUTE_MS));
});

test("what is too much for one answer comes in several, in order and without a gap", async () => {
  const { clock, offline, link } = world(300);
  offline.since(0);
  link("disconnected");
  await clock.advance(10 * MINUTE_MS);
  link("connected");
  const times: number[] = [];
  for (let answer = offline.since(0); ; answer = offline.since(times.at(-1) ?? 0)) {
    times.push(...answer.measurements.map(({ machine }) => machine.atMs));
    if (answer.complete) break;
    assert.equal(answer.measurements.length, 3);
  }
  assert.equal(times.length, 20);
  assert.deepEqual(times, [...times].sort());
});

test("what was measured is forgotten a quarter of an hour after the outage", async () => {
  const { clock, offline, link } = world();
  offline.since(0);
  link("disconnected");
  await clock.advance(5 * MINUTE_MS);
  link("connected");
  await clock.advance(16 * MINUTE_MS);
  assert.deepEqual(offline.since(0).measurements, []);
});
