import assert from "node:assert/strict";
import { test } from "node:test";
import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import { device, model, TwinWorld } from "./testing/twin-world.ts";

const older = "$hw/events/device/thermo-1";

async function worldWithDevice(annotations: JsonObject): Promise<TwinWorld> {
  const world = await TwinWorld.start();
  await world.fromCloud("insert", model);
  const given = device({});
  await world.fromCloud("insert", {
    ...given,
    metadata: { ...(isJsonObject(given["metadata"]) ? given["metadata"] : {}), annotations },
  });
  world.bus.take();
  return world;
}

const topics = (world: TwinWorld): string[] => world.bus.take().map(({ topic }) => topic);

/** As the mappers of KubeEdge's older examples report: no event id, and a type that there is not. */
const report = (value: string): JsonValue => ({
  event_id: "",
  timestamp: 0,
  twin: { temperature: { actual: { value, metadata: null }, metadata: { type: "Updated" } } },
});

test("a client that calls its device by the name alone is answered so, and then hears of all that happens", async () => {
  await using world = await worldWithDevice({});
  await world.bus.send(`${older}/twin/update`, report("21.5"));
  assert.deepEqual(
    topics(world).filter((topic) => topic.startsWith(older)),
    [`${older}/twin/update/result`, `${older}/twin/update/document`],
  );
  await world.fromCloud("update", device({ temperature: "30" }));
  assert.ok(topics(world).includes(`${older}/twin/update/delta`));
  await world.bus.send(`${older}/twin/get`, {});
  assert.ok(topics(world).includes(`${older}/twin/get/result`));
  await world.bus.send(`${older}/state/update`, { state: "online" });
  assert.ok(topics(world).includes(`${older}/state/update/result`));
});

test("a device that nobody calls by its name alone has no publications on the older topics", async () => {
  await using world = await worldWithDevice({});
  await world.fromCloud("update", device({ temperature: "30" }));
  assert.deepEqual(
    topics(world).filter((topic) => topic.startsWith(older)),
    [],
  );
});

test("a Device of v1alpha2 is told by its name alone from the start: its mapper may only listen", async () => {
  await using world = await worldWithDevice({ "skerry.io/v1alpha2-form": "{}" });
  const changed = device({ temperature: "30" });
  const metadata = isJsonObject(changed["metadata"]) ? changed["metadata"] : {};
  await world.fromCloud("update", {
    ...changed,
    metadata: { ...metadata, annotations: { "skerry.io/v1alpha2-form": "{}" } },
  });
  assert.ok(topics(world).includes(`${older}/twin/update/document`));
});
