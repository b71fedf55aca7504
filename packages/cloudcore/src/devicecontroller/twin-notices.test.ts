import assert from "node:assert/strict";
import { test } from "node:test";
import { type Device, devices, type Event, events } from "@skerry/api";
import type { JsonObject } from "@skerry/base";
import { CloudWorld } from "../testing/cloud-world.ts";
import { twinNotices } from "./twin-notices.ts";

const NODE = "edge-1";

async function worldWithDevice(): Promise<CloudWorld> {
  const world = await new CloudWorld().start();
  await world.createNode(NODE);
  await world.connect(NODE);
  await world.createModel("lamp", "led");
  await world.createDevice("lamp-1", {
    nodeName: NODE,
    deviceModelRef: { name: "lamp" },
    properties: [{ name: "led", desired: { value: "ON" } }],
  });
  return world;
}

/** The node tells which wish it follows. */
async function follows(world: CloudWorld, value: string, metadata: JsonObject): Promise<void> {
  const expected = { value, metadata: { timestamp: 1700000000000, ...metadata } };
  const twin = { led: { expected, expected_version: { cloud: 5, edge: 2 }, metadata: { type: "string" } } };
  await world.report(NODE, "device/plant/lamp-1/twin/edge_updated", { event_id: "e", timestamp: 1, twin });
}

async function reasons(world: CloudWorld): Promise<string[]> {
  await world.clock.advance(5_000);
  const { items } = await world.memory.list<Event>({ resource: events });
  return items.map(({ reason, message }) => `${reason}: ${message}`).sort();
}

test("whoever loses a conflict is told by an event, and the status says who owns the wish that counts", async () => {
  await using world = await worldWithDevice();
  await follows(world, "OFF", { owner: "edge" });
  const notFollowed =
    'DesiredValueNotFollowed: Property led: the node follows "OFF", which a client on it has set, and not "ON" of the Device';
  assert.deepEqual(await reasons(world), [notFollowed]);
  const { status } = await world.memory.get<Device>({ resource: devices, namespace: "plant", name: "lamp-1" });
  assert.deepEqual(status?.twins?.[0]?.observedDesired?.metadata, {
    timestamp: "1700000000000",
    type: "string",
    owner: "edge",
    version: "5/2",
  });
  await follows(world, "ON", { owner: "cloud" });
  assert.deepEqual(await reasons(world), [
    notFollowed,
    'EdgeValueReplaced: Property led: "ON" of the Device has replaced "OFF", which a client on the node had set',
  ]);
});

test("a wish of the edge's that the cloud never saw is told when the Device's has replaced it", async () => {
  await using world = await worldWithDevice();
  await follows(world, "ON", { owner: "cloud", replaced: "OFF" });
  const told =
    'EdgeValueReplaced: Property led: "ON" of the Device has replaced "OFF", which a client on the node had set';
  assert.deepEqual(await reasons(world), [told]);
  await follows(world, "ON", { owner: "cloud", replaced: "OFF" });
  assert.deepEqual(await reasons(world), [told], "once");
});

test("an effect that nobody knows is told by an event", async () => {
  await using world = await worldWithDevice();
  await follows(world, "ON", { owner: "cloud", effect: "unknown" });
  assert.match((await reasons(world)).join(), /^EffectUnknown: Property led: whether "ON" took effect is not known/);
});

test("a rule that is none is told by an event", async () => {
  await using world = await worldWithDevice();
  await world.patch(devices, "lamp-1", { metadata: { annotations: { "skerry.io/conflict": "strongest" } } });
  assert.deepEqual(await reasons(world), [
    'TwinRuleUnknown: "strongest" in skerry.io/conflict is none of newest, cloud, edge',
  ]);
});

test("devices of KubeEdge's nodes, which name no owner, are told nothing", () => {
  const device = { apiVersion: "", kind: "Device", metadata: { name: "x" } } as Device;
  const twins = [{ propertyName: "led", observedDesired: { value: "OFF", metadata: { timestamp: "1" } } }];
  const spec = { properties: [{ name: "led", desired: { value: "ON" } }] };
  assert.deepEqual([...twinNotices({ ...device, spec, status: { twins } }, { ...device, spec })], []);
});
