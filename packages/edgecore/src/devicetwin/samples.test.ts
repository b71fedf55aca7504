import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "@skerry/base";
import type { Sample } from "@skerry/link";
import type { SampleRecorder } from "../telemetry/index.ts";
import { readTwin } from "./device-table.ts";
import { device, model, TwinWorld } from "./testing/twin-world.ts";

const id = "default/thermo-1";

class NotedSamples implements SampleRecorder {
  readonly all: Sample[] = [];

  async record(samples: readonly Sample[]): Promise<void> {
    this.all.push(...samples);
  }
}

async function start(): Promise<{ readonly world: TwinWorld; readonly noted: NotedSamples }> {
  const noted = new NotedSamples();
  const world = await TwinWorld.start({ samples: noted });
  await world.fromCloud("insert", model);
  await world.fromCloud("insert", device({ led: "ON" }));
  return { world, noted };
}

test("every reported value is a sample, equal ones too; desired ones and refused updates are none", async () => {
  const { world, noted } = await start();
  await using _ = world;
  const topic = `$hw/events/device/${id}/twin/update`;
  const nowMs = world.clock.now();
  await world.bus.send(topic, { twin: { temperature: { actual: { value: "20" } } } });
  await world.bus.send(topic, {
    twin: { temperature: { actual: { value: "20" } }, led: { expected: { value: "OFF" } } },
  });
  await world.bus.send(topic, { twin: { temperature: { actual: { value: "warm" } } } });
  const sample = { deviceId: id, property: "temperature", value: "20", timestampMs: nowMs };
  assert.deepEqual(noted.all, [sample, sample]);
});

test("updates that wait together build on each other; one that is refused changes nothing", async () => {
  const { world, noted } = await start();
  await using _ = world;
  const topic = `$hw/events/device/${id}/twin/update`;
  world.bus.take();
  const send = (eventId: string, twin: JsonObject): Promise<void> => world.bus.send(topic, { event_id: eventId, twin });
  await Promise.all([
    send("1", { temperature: { actual: { value: "20" } } }),
    send("2", { temperature: { actual: { value: "warm" } }, led: { actual: { value: "ON" } } }),
    send("3", { temperature: { actual: { value: "21" } } }),
    world.bus.send("$hw/events/device/default/other/twin/update", { event_id: "4", twin: {} }),
    send("5", { temperature: { actual: { value: "22" } } }),
  ]);
  assert.deepEqual(
    noted.all.map(({ property, value }) => [property, value]),
    ["20", "21", "22"].map((value) => ["temperature", value]),
  );
  const results = world.bus.take().filter((each) => each.topic.endsWith("/twin/update/result"));
  const codes = Object.fromEntries(results.map(({ document }) => [document["event_id"], document["code"] ?? "taken"]));
  assert.deepEqual(codes, { 1: "taken", 2: 400, 3: "taken", 4: 404, 5: "taken" });
  const [stored] = world.database
    .read((reader) => readTwin(reader, id).values().toArray())
    .filter(({ name }) => name === "temperature");
  assert.deepEqual([stored?.actual?.value, stored?.actualVersion], ["22", { cloud: 0, edge: 3 }]);
});

test("a sample has the time that its client gives, unless that is in the future", async () => {
  const { world, noted } = await start();
  await using _ = world;
  const nowMs = world.clock.now();
  const send = (timestamp: number): Promise<void> =>
    world.bus.send(`$hw/events/device/${id}/twin/update`, {
      twin: { temperature: { actual: { value: "20", metadata: { timestamp } } } },
    });
  await send(nowMs - 5_000);
  await send(nowMs + 3_600_000);
  await world.twin.reportValues(id, new Map([["temperature", "21"]]), new Map([["temperature", nowMs - 1]]));
  assert.deepEqual(
    noted.all.map(({ timestampMs }) => timestampMs - nowMs),
    [-5_000, 0, -1],
  );
});

test("a data topic's values are samples and no part of the twin, with and without a namespace", async () => {
  const { world, noted } = await start();
  await using _ = world;
  world.bus.take();
  const data = { vibration: { value: 0.5, metadata: { timestamp: 7 } }, alarm: { value: false } };
  await world.bus.send("$ke/events/device/default/thermo-1/data/update", { event_id: "", timestamp: 1, data });
  await world.bus.send("$ke/events/device/thermo-1/data/update", { data: { vibration: { value: "1" } } });
  assert.deepEqual(
    noted.all.map(({ property, value }) => [property, value]),
    [
      ["vibration", "0.5"],
      ["alarm", "false"],
      ["vibration", "1"],
    ],
  );
  assert.equal(noted.all[0]?.timestampMs, 7);
  assert.deepEqual(world.bus.take(), [], "nobody is answered on these topics");
});

test("data of unknown devices, and what is no data, is ignored and counted", async () => {
  const { world, noted } = await start();
  await using _ = world;
  const root = "$ke/events/device";
  await world.bus.send(`${root}/default/other/data/update`, { data: { t: { value: "1" } } });
  await world.bus.send(`${root}/a/b/c/data/update`, { data: { t: { value: "1" } } });
  await world.bus.send(`${root}/thermo-1/data/update`, "?");
  await world.bus.send(`${root}/thermo-1/data/update`, { data: { t: { value: null } } });
  await world.bus.send(`${root}/thermo-1/data/update`, { data: { "a b": { value: "1" } } });
  assert.deepEqual(noted.all, []);
  assert.equal(world.twin.ignoredCount, 5);
});

test("a desired value that comes while a sample is being stored is not followed by the older one", async () => {
  const storing = Promise.withResolvers<void>();
  await using world = await TwinWorld.start({ samples: { record: () => storing.promise } });
  await world.fromCloud("insert", model);
  await world.fromCloud("insert", device({ temperature: "20" }));
  world.bus.take();
  const reporting = world.bus.send("$hw/events/device/default/thermo-1/twin/update", {
    twin: { temperature: { actual: { value: "1" } } },
  });
  await world.fromCloud("update", device({ temperature: "25.5" }));
  storing.resolve();
  await reporting;
  const deltas = world.bus.take().filter(({ topic }) => topic.endsWith("/twin/update/delta"));
  assert.deepEqual(
    deltas.map(({ document }) => document["delta"]),
    [{ temperature: "25.5" }, { temperature: "25.5" }],
  );
});
