import assert from "node:assert/strict";
import { test } from "node:test";
import { metricText, silentLogger } from "@skerry/base";
import { SqliteDatabase } from "@skerry/store/platform";
import { metaManagerMigrations } from "./metamanager/index.ts";
import { EdgeWorld } from "./metamanager/testing/edge-world.ts";
import { ownMetrics } from "./own-metrics.ts";
import { defaultSampleRingLimits, SampleRing, telemetryMigrations } from "./telemetry/index.ts";

test("samples that a full ring dropped, and those that came too fast, and events of the runtime, are among EdgeCore's metrics", async () => {
  await using database = new SqliteDatabase({ path: ":memory:", migrations: metaManagerMigrations });
  await using world = new EdgeWorld(database);
  await using ringDatabase = new SqliteDatabase({ path: ":memory:", migrations: telemetryMigrations });
  const { clock, random } = world;
  const limits = { ...defaultSampleRingLimits, maximumBytes: 1, maximumPending: 2 };
  const ring = new SampleRing({ database: ringDatabase, clock, random, logger: silentLogger }, limits);
  await ring.start();
  const sample = { deviceId: "default/a", property: "t", value: "1", timestampMs: clock.now() };
  await ring.record([sample, sample, sample]);
  await ring.record([sample]);
  const text = metricText(ownMetrics(world.meta, world.hub, ring, { runtimeEvents: { heard: 7, missed: 2 } }));
  assert.match(text, /^skerry_edge_samples_dropped_total 2$/m);
  assert.match(text, /^skerry_edge_samples_refused_total 1$/m);
  assert.match(text, new RegExp(`^skerry_edge_samples_ring_bytes ${ring.counters.bytes}$`, "m"));
  assert.ok(ring.counters.bytes > 0);
  assert.match(text, /^skerry_edge_runtime_events_total 7$/m);
  assert.match(text, /^skerry_edge_runtime_events_missed_total 2$/m);
  assert.doesNotMatch(metricText(ownMetrics(world.meta, world.hub, undefined, undefined)), /samples|runtime/);
});
