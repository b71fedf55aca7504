import assert from "node:assert/strict";
import { test } from "node:test";
import { isJsonObject, type JsonObject } from "@skerry/base";
import { model, device as thermo } from "../devicetwin/testing/twin-world.ts";
import { DmiWorld } from "./testing/dmi-world.ts";

async function worldWithMapper(): Promise<DmiWorld> {
  const world = await DmiWorld.start();
  await world.twins.fromCloud("insert", model);
  const base = thermo();
  const spec = isJsonObject(base["spec"]) ? base["spec"] : {};
  await world.twins.fromCloud("insert", { ...base, spec: { ...spec, protocol: { protocolName: "modbus" } } });
  await world.register();
  return world;
}

const report = { deviceName: "thermo-1", deviceNamespace: "default" };

/** The device's state as it waits to be sent to the cloud. */
function stateOf(world: DmiWorld): unknown {
  const content = world.twins.outbox().find(({ key }) => key === "devicestate/default/thermo-1")?.content;
  const document: unknown = typeof content === "string" ? JSON.parse(content) : content;
  const device = isJsonObject(document) ? (document["device"] as JsonObject) : undefined;
  return device?.["state"];
}

/** Lets time pass until the condition holds: looking at the socket is real, the pauses between are not. */
async function passUntil(world: DmiWorld, holds: () => boolean): Promise<void> {
  while (!holds()) await world.twins.clock.advance(10_000);
}

test("a device's state is unknown when its mapper has ended, and what the next mapper says", async () => {
  await using world = await worldWithMapper();
  await world.manager.reportDeviceStates({ ...report, state: "online" });
  assert.equal(stateOf(world), "online");
  await world.mapper[Symbol.asyncDispose]();
  await passUntil(world, () => stateOf(world) === "unknown");
  await world.mapper.listen();
  await world.register();
  await world.manager.reportDeviceStates({ ...report, state: "online" });
  assert.equal(stateOf(world), "online");
});

test("the state stays while the mapper listens, also one that was away for a moment", async () => {
  await using world = await worldWithMapper();
  await world.manager.reportDeviceStates({ ...report, state: "online" });
  const looks = world.looks;
  await world.mapper[Symbol.asyncDispose]();
  await passUntil(world, () => world.looks === looks + 1);
  await world.mapper.listen();
  await passUntil(world, () => world.looks >= looks + 4);
  assert.equal(stateOf(world), "online");
});

test("a mapper that ended while EdgeCore was away is noticed too", async () => {
  await using world = await worldWithMapper();
  await world.manager.reportDeviceStates({ ...report, state: "online" });
  await world.restart(() => world.mapper[Symbol.asyncDispose]());
  await passUntil(world, () => stateOf(world) === "unknown");
});
