import assert from "node:assert/strict";
import { test } from "node:test";
import { devices, type Event, events } from "@skerry/api";
import { CloudWorld } from "../testing/cloud-world.ts";

/** The reasons and messages of all events, after the grace. */
async function noticesOf(world: CloudWorld): Promise<string[]> {
  await world.clock.advance(5_000);
  const { items } = await world.memory.list<Event>({ resource: events });
  return items.map(({ involvedObject, reason, message }) => `${involvedObject.name} ${reason}: ${message}`).sort();
}

test("a device without its model, with an unknown property or on an unknown node is told by events, once", async () => {
  await using world = await new CloudWorld().start();
  await world.createNode("edge-1");
  await world.createModel("thermometer", "temperature", "target");
  const properties = [{ name: "temperature" }];
  await world.createDevice("fine", { nodeName: "edge-1", deviceModelRef: { name: "thermometer" }, properties });
  await world.createDevice("model", { nodeName: "edge-1", deviceModelRef: { name: "nosuch" }, properties });
  await world.createDevice("node", { nodeName: "edge-9", deviceModelRef: { name: "thermometer" }, properties });
  await world.createDevice("property", {
    nodeName: "edge-1",
    deviceModelRef: { name: "thermometer" },
    properties: [{ name: "colour" }],
  });
  const told = [
    "model DeviceModelNotFound: The DeviceModel nosuch does not exist in this namespace; desired values wait for it",
    "node NodeNotFound: The node edge-9 does not exist; the device is on no node until it does",
    "property PropertyNotInModel: The DeviceModel thermometer has no property colour; it has temperature, target",
  ];
  assert.deepEqual(await noticesOf(world), told);
  await world.patch(devices, "model", { metadata: { labels: { touched: "yes" } } });
  assert.deepEqual(await noticesOf(world), told);
});

test("what another CloudCore, or this one before its restart, has told already is not told again", async () => {
  const world = await new CloudWorld().start();
  const told = ["orphan NodeNotFound: The node edge-9 does not exist; the device is on no node until it does"];
  await world.createDevice("orphan", { nodeName: "edge-9" });
  assert.deepEqual(await noticesOf(world), told);
  const { items } = await world.memory.list<Event>({ resource: events });
  assert.deepEqual(
    items.map(({ metadata }) => metadata.name),
    ["orphan.a217c24f"],
  );
  await world.restart();
  assert.deepEqual(await noticesOf(world), told);
  await world[Symbol.asyncDispose]();
});

test("a model that is applied a moment after its device is no reason for an event", async () => {
  await using world = await new CloudWorld().start();
  await world.createNode("edge-1");
  await world.createDevice("early", { nodeName: "edge-1", deviceModelRef: { name: "late" } });
  await world.clock.advance(4_000);
  await world.createModel("late");
  assert.deepEqual(await noticesOf(world), []);
});
