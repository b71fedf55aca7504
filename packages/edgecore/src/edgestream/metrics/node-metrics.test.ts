import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "@skerry/base";
import { ManualClock } from "@skerry/base/testing";
import { NodeMetrics } from "./node-metrics.ts";
import type { Usage } from "./usage.ts";
import { UsageMeter } from "./usage-meter.ts";

const MIB = 1024 * 1024;

/** A machine whose app uses a quarter of a processor, in a container that may start anew. */
function world() {
  const clock = new ManualClock();
  let startedMs = 0;
  let reads = 0;
  const read = async (): Promise<Usage> => {
    reads++;
    const atMs = clock.now();
    const busyMs = clock.monotonicMs() - startedMs;
    return {
      machine: {
        atMs,
        cpuNanos: clock.monotonicMs() * 1e6,
        memoryWorkingSetBytes: 500 * MIB,
        memoryAvailableBytes: 700 * MIB,
        diskTotalBytes: 1000 * MIB,
        diskAvailableBytes: 400 * MIB,
      },
      containers: ["app", "side"].map((container) => ({
        namespace: "default",
        pod: "web",
        podUid: "uid-1",
        container,
        atMs,
        cpuNanos: (busyMs * 1e6) / 4,
        memoryWorkingSetBytes: 10 * MIB,
        memoryUsageBytes: 12 * MIB,
        memoryRssBytes: 8 * MIB,
        diskUsedBytes: 3 * MIB,
        diskInodes: 3,
      })),
    };
  };
  const metrics = new NodeMetrics({
    nodeName: "edge-1",
    meter: new UsageMeter({ read }, clock),
    offline: { since: () => ({ measurements: [], complete: true }) },
    own: () => [],
  });
  const ask = async (path: string): Promise<string> => {
    const answer = metrics.answer(path);
    await clock.advance(2_000);
    return (await answer)?.text ?? "";
  };
  const summary = async (): Promise<{ node: JsonObject; pods: JsonObject[] }> =>
    JSON.parse(await ask("/stats/summary"));
  const restart = (): void => {
    startedMs = clock.monotonicMs();
  };
  return { clock, ask, summary, restart, reads: () => reads };
}

const member = (object: JsonObject | undefined, name: string): JsonObject => (object?.[name] ?? {}) as JsonObject;
const coresOf = (object: JsonObject | undefined): unknown => member(object, "cpu")["usageNanoCores"];

test("the first summary measures twice, a later one compares with the one before", async () => {
  const { clock, summary, reads } = world();
  const first = await summary();
  assert.equal(reads(), 2);
  assert.equal(coresOf(first.node), 1e9);
  assert.equal(coresOf(first.pods[0]), 0.5e9, "both containers");
  await clock.advance(10_000);
  assert.equal(coresOf((await summary()).node), 1e9);
  assert.equal(reads(), 3);
});

test("a measurement of long ago is not compared with", async () => {
  const { clock, summary, reads } = world();
  await summary();
  await clock.advance(600_000);
  await summary();
  assert.equal(reads(), 4);
});

test("a container that has just started anew has no use yet instead of a wrong one", async () => {
  const { clock, summary, restart } = world();
  await clock.advance(60_000);
  await summary();
  await clock.advance(10_000);
  restart();
  const { pods } = await summary();
  assert.equal(coresOf(pods[0]), undefined);
  assert.equal(member(pods[0], "memory")["workingSetBytes"], 20 * MIB);
});

test("those who ask at the same time share one measurement", async () => {
  const { ask, reads } = world();
  await Promise.all([ask("/stats/summary"), ask("/metrics/resource"), ask("/metrics/cadvisor")]);
  assert.equal(reads(), 2);
});

test("metrics-server finds what it reads, by pod and container", async () => {
  const { ask } = world();
  const text = await ask("/metrics/resource");
  assert.match(text, /^node_cpu_usage_seconds_total \d+(\.\d+)? \d+$/m);
  assert.match(text, /^node_memory_working_set_bytes 524288000 \d+$/m);
  assert.match(
    text,
    /^container_memory_working_set_bytes\{container="app",namespace="default",pod="web"\} 10485760 \d+$/m,
  );
  assert.match(text, /^pod_memory_working_set_bytes\{namespace="default",pod="web"\} 20971520 \d+$/m);
  assert.match(await ask("/metrics/cadvisor"), /^container_fs_usage_bytes\{container="side".*\} 3145728 \d+$/m);
  assert.equal(await ask("/pods"), "");
});
