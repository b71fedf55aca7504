import assert from "node:assert/strict";
import { test } from "node:test";
import { settle } from "@skerry/base/testing";
import type { Database } from "@skerry/store";
import { readTwin } from "./device-table.ts";
import { annotated, model, openTwinDatabase, TwinWorld } from "./testing/twin-world.ts";

const root = "$hw/events/device/default/thermo-1";
const once = { "skerry.io/effect": "led=at-most-once" };

function effect(world: TwinWorld): unknown {
  return world.meta.read((reader) => readTwin(reader, "default/thermo-1")).get("led")?.effect;
}

/** How often the device was told to do something with its led. */
function orders(world: TwinWorld): number {
  return world.bus
    .take()
    .filter(({ topic, document }) => topic.endsWith("/delta") && "led" in ((document["delta"] as object) ?? {})).length;
}

async function untilEffect(world: TwinWorld, wanted: string): Promise<void> {
  for (let round = 0; round < 1_000 && effect(world) !== wanted; round++) await settle();
  assert.equal(effect(world), wanted);
}

async function worldWith(database: Database = openTwinDatabase()): Promise<TwinWorld> {
  const world = await TwinWorld.start({ database });
  await world.fromCloud("insert", model);
  await world.fromCloud("insert", annotated(once, { led: "OPEN" }));
  return world;
}

test("what may take effect at most once is told once, whoever asks and however often the broker comes back", async () => {
  await using world = await worldWith();
  await untilEffect(world, "sent");
  world.bus.connect();
  await world.bus.send(`${root}/twin/get`, {});
  await world.bus.send(`${root}/twin/update`, { twin: { temperature: { actual: { value: "1" } } } });
  assert.equal(orders(world), 1);
  await world.bus.send(`${root}/twin/update`, { twin: { led: { actual: { value: "OPEN" } } } });
  assert.equal(effect(world), "done");
  await world.bus.send(`${root}/twin/update`, { twin: { led: { actual: { value: "SHUT" } } } });
  assert.equal(orders(world), 0, "done is done");
  await world.fromCloud("update", annotated(once, { led: "OPEN AGAIN" }));
  await untilEffect(world, "sent");
  assert.equal(orders(world), 1);
});

test("after a crash nobody knows whether it took effect: it is reported so and not repeated", async () => {
  const database = openTwinDatabase();
  const first = await worldWith(database);
  await untilEffect(first, "sent");
  await first.twin[Symbol.asyncDispose]();
  await using world = await TwinWorld.start({ database });
  world.bus.connect();
  await settle();
  assert.equal(effect(world), "unknown");
  assert.equal(orders(world), 0);
  assert.ok(world.outbox().some(({ key }) => key === "twin/default/thermo-1/led"));
  await world.bus.send(`${root}/twin/update`, { twin: { led: { actual: { value: "OPEN" } } } });
  assert.equal(effect(world), "done", "the device itself knows");
});

test("while nobody listens it waits, also over a restart, and is told when the broker is there", async () => {
  const database = openTwinDatabase();
  const first = await TwinWorld.start({ database });
  first.bus.isConnected = false;
  await first.fromCloud("insert", model);
  await first.fromCloud("insert", annotated(once, { led: "OPEN" }));
  assert.equal(effect(first), "pending");
  await first.twin[Symbol.asyncDispose]();
  await using world = await TwinWorld.start({ database });
  assert.equal(orders(world), 0);
  world.bus.connect();
  await untilEffect(world, "sent");
  assert.equal(orders(world), 1);
});

test("a publication that did not leave is given later", async () => {
  await using world = await TwinWorld.start();
  await world.fromCloud("insert", model);
  let tries = 0;
  const { publishOnce } = world.bus;
  world.bus.publishOnce = () => {
    tries++;
    return false;
  };
  await world.fromCloud("insert", annotated(once, { led: "OPEN" }));
  for (let round = 0; round < 1_000 && tries === 0; round++) await settle();
  await untilEffect(world, "pending");
  world.bus.publishOnce = publishOnce;
  world.bus.connect();
  await untilEffect(world, "sent");
  assert.deepEqual([tries, orders(world)], [1, 1]);
});

test("what a device is already is not done again", async () => {
  await using world = await TwinWorld.start();
  await world.fromCloud("insert", model);
  await world.fromCloud("insert", annotated(once));
  await world.bus.send(`${root}/twin/update`, { twin: { led: { actual: { value: "OPEN" } } } });
  await world.fromCloud("update", annotated(once, { led: "OPEN" }));
  assert.equal(effect(world), "done");
  assert.equal(orders(world), 0);
});
