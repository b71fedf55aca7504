import assert from "node:assert/strict";
import { test } from "node:test";
import { isJsonObject, isSkerryError, type JsonObject } from "@skerry/base";
import type { Device } from "@skerry/dmi";
import { readTwin } from "../devicetwin/device-table.ts";
import { model, device as thermo } from "../devicetwin/testing/twin-world.ts";
import { DmiWorld, type MapperCall } from "./testing/dmi-world.ts";

/** The twin world's Device with a protocol. */
function device(desired: Readonly<Record<string, string>> = {}, protocolName = "modbus"): JsonObject {
  const base = thermo(desired);
  const spec = isJsonObject(base["spec"]) ? base["spec"] : {};
  return { ...base, spec: { ...spec, protocol: { protocolName, configData: { address: "10.0.0.1:502" } } } };
}

async function startedWorld(desired: Readonly<Record<string, string>> = {}): Promise<DmiWorld> {
  const world = await DmiWorld.start();
  await world.twins.fromCloud("insert", model);
  await world.twins.fromCloud("insert", device(desired));
  return world;
}

function wanted(device: Device | undefined): Record<string, string> {
  const properties = device?.spec?.properties ?? [];
  return Object.fromEntries(properties.flatMap(({ name, desired }) => (desired ? [[name, desired.value]] : [])));
}

function nameOf(call: MapperCall): string {
  if ("device" in call) return `${call.method} ${call.device?.name}`;
  return "model" in call ? `${call.method} ${call.model?.name}` : `${call.method} ${call.name}`;
}

function stored(world: DmiWorld, property: string): unknown {
  const entry = world.twins.outbox().find(({ key }) => key === `twin/default/thermo-1/${property}`);
  const content = isJsonObject(entry?.content) ? entry.content["twin"] : undefined;
  const twin = isJsonObject(content) ? content[property] : undefined;
  const actual = isJsonObject(twin) ? twin["actual"] : undefined;
  return isJsonObject(actual) ? actual["value"] : undefined;
}

test("a mapper is told of a device after its model, and of a model's end after its last device", async () => {
  await using world = await DmiWorld.start();
  assert.deepEqual(await world.register(), { modelList: [], deviceList: [] });
  await world.twins.fromCloud("insert", device()); // Its model is not here yet.
  await world.twins.fromCloud("insert", model);
  assert.equal(nameOf(await world.mapper.next()), "CreateDeviceModel thermo");
  assert.equal(nameOf(await world.mapper.next()), "RegisterDevice thermo-1");
  await world.twins.fromCloud("delete", device());
  assert.equal(nameOf(await world.mapper.next()), "RemoveDevice thermo-1");
  assert.equal(nameOf(await world.mapper.next()), "RemoveDeviceModel thermo");
  assert.equal(world.mapper.unread, 0);
});

test("only devices of its protocol are a mapper's business, also when a device changes its protocol", async () => {
  await using world = await startedWorld();
  assert.deepEqual(await world.register("opcua"), { modelList: [], deviceList: [] });
  await world.twins.fromCloud("update", device({}, "opcua"));
  assert.equal(nameOf(await world.mapper.next()), "CreateDeviceModel thermo");
  assert.equal(nameOf(await world.mapper.next()), "RegisterDevice thermo-1");
  await world.twins.fromCloud("update", device());
  assert.equal(nameOf(await world.mapper.next()), "RemoveDevice thermo-1");
});

test("what is wanted reaches the mapper as the twin has checked it, from the cloud and from a client at the edge", async () => {
  await using world = await startedWorld({ temperature: "900", led: "OFF", serial: "7" });
  const { deviceList } = await world.register();
  assert.deepEqual(wanted(deviceList[0]), { led: "OFF" }, "900 is out of range, serial is read-only");
  await world.twins.fromCloud("update", device({ temperature: "21", led: "OFF" }));
  const update = await world.mapper.next();
  assert.ok(update.method === "UpdateDevice");
  assert.deepEqual(wanted(update.device), { temperature: "21", led: "OFF" });
  await world.twins.bus.send("$hw/events/device/default/thermo-1/twin/update", {
    twin: { led: { expected: { value: "ON" } } },
  });
  const local = await world.mapper.next();
  assert.ok(local.method === "UpdateDevice");
  assert.deepEqual(wanted(local.device), { temperature: "21", led: "ON" });
});

test("a new version of a Device that changes nothing for the mapper is not told", async () => {
  await using world = await startedWorld({ led: "OFF" });
  await world.register();
  await world.twins.fromCloud("update", { ...device({ led: "OFF" }), status: { state: "online" } });
  await world.twins.fromCloud("update", device({ led: "ON" }));
  const call = await world.mapper.next();
  assert.ok(call.method === "UpdateDevice");
  assert.deepEqual(wanted(call.device), { led: "ON" });
  assert.equal(world.mapper.unread, 0);
});

test("a mapper that does not listen yet is told when it does", async () => {
  await using world = await startedWorld();
  await world.register();
  await world.mapper[Symbol.asyncDispose]();
  await world.twins.fromCloud("update", device({ led: "ON" }));
  await world.mapper.listen();
  const call = world.mapper.next();
  let settled = false;
  void call.finally(() => {
    settled = true;
  });
  // The failing calls are real, the pauses between them are not.
  while (!settled) await world.twins.clock.advance(60_000);
  assert.equal(nameOf(await call), "UpdateDevice thermo-1");
});

test("EdgeCore's restart tells a mapper what changed meanwhile, and nothing else", async () => {
  await using world = await startedWorld();
  await world.register();
  await world.restart(async () => {});
  await world.restart(() => world.twins.fromCloud("update", device({ led: "ON" })));
  assert.equal(nameOf(await world.mapper.next()), "UpdateDevice thermo-1");
  await world.restart(() => world.twins.fromCloud("delete", device()));
  assert.equal(nameOf(await world.mapper.next()), "RemoveDevice thermo-1");
});

test("a mapper that refuses a change is asked five times, and again at the next change", async () => {
  await using world = await startedWorld();
  await world.register();
  world.mapper.refusal = isNotMine;
  await world.twins.fromCloud("update", device({ led: "ON" }));
  for (let count = 0; count < 5; count++) {
    const call = world.mapper.next();
    let settled = false;
    void call.finally(() => {
      settled = true;
    });
    while (!settled) await world.twins.clock.advance(60_000);
  }
  await world.twins.clock.advance(600_000);
  assert.equal(world.mapper.unread, 0);
  world.mapper.refusal = undefined;
  await world.twins.fromCloud("update", device({ led: "BLINK" }));
  const call = await world.mapper.next();
  assert.ok(call.method === "UpdateDevice");
  assert.deepEqual(wanted(call.device), { led: "BLINK" });
});

const isNotMine = new Error("not mine");

/** The twin world's device, whose led may be switched at most once. */
function switchable(desired: Readonly<Record<string, string>>): JsonObject {
  const { metadata, ...rest } = device(desired);
  const annotations = { "skerry.io/effect": "led=at-most-once" };
  return { ...rest, metadata: { ...(isJsonObject(metadata) ? metadata : {}), annotations } };
}

test("what may take effect at most once is given to a mapper in one call, and to none after it", async () => {
  await using world = await startedWorld();
  await world.register();
  await world.twins.fromCloud("update", switchable({ led: "OPEN" }));
  const [probe, order] = [await world.mapper.next(), await world.mapper.next()];
  assert.ok(probe.method === "UpdateDevice" && order.method === "UpdateDevice");
  assert.deepEqual([wanted(probe.device), wanted(order.device)], [{}, { led: "OPEN" }]);
  const property = order.device?.spec?.properties.find(({ name }) => name === "led");
  assert.equal(property?.desired?.metadata.get("effect"), "at-most-once");
  await world.twins.fromCloud("update", switchable({ led: "OPEN", temperature: "20" }));
  const next = await world.mapper.next();
  assert.ok(next.method === "UpdateDevice");
  assert.deepEqual(wanted(next.device), { temperature: "20" });
  const answer = await world.register();
  assert.deepEqual(wanted(answer.deviceList[0]), { temperature: "20" });
  assert.deepEqual([world.mapper.unread, effectOfLed(world)], [0, "unknown"], "another mapper does not know");
});

test("while a mapper does not take changes, what may take effect at most once waits", async () => {
  await using world = await startedWorld();
  await world.register();
  world.mapper.refusal = isNotMine;
  await world.twins.fromCloud("update", switchable({ led: "OPEN" }));
  assert.deepEqual(wanted(await deviceOfNext(world)), {});
  assert.equal(effectOfLed(world), "pending");
});

async function deviceOfNext(world: DmiWorld): Promise<Device | undefined> {
  const call = await world.mapper.next();
  return "device" in call ? call.device : undefined;
}

function effectOfLed(world: DmiWorld): unknown {
  return world.twins.meta.read((reader) => readTwin(reader, "default/thermo-1")).get("led")?.effect;
}

test("a mapper that registers without data gets none, then or later", async () => {
  await using world = await startedWorld();
  assert.deepEqual(await world.register("modbus", false), { modelList: [], deviceList: [] });
  await world.twins.fromCloud("update", device({ led: "ON" }));
  await world.register("modbus");
  await world.twins.fromCloud("update", device({ led: "OFF" }));
  const call = await world.mapper.next();
  assert.ok(call.method === "UpdateDevice");
  assert.deepEqual(wanted(call.device), { led: "OFF" });
  assert.equal(world.mapper.unread, 0);
});

test("a burst of reports is taken without a limit per second, each committed with its report to the cloud", async () => {
  await using world = await startedWorld();
  await Promise.all(
    Array.from({ length: 300 }, (_, index) => world.report("thermo-1", { temperature: String(index % 50) })),
  );
  await world.report("thermo-1", { temperature: "49.5", serial: "12" });
  assert.equal(stored(world, "temperature"), "49.5");
  assert.equal(stored(world, "serial"), "12");
});

test("a report with one value that does not fit changes nothing and says which value", async () => {
  await using world = await startedWorld();
  await assert.rejects(
    world.report("thermo-1", { temperature: "20", serial: "twelve" }),
    (error) => isSkerryError(error, "DMI_REFUSED") && /twelve.*serial/.test(error.message),
  );
  assert.equal(stored(world, "temperature"), undefined);
  await assert.rejects(world.report("nobody", { temperature: "20" }), (error) => isSkerryError(error, "DMI_NOT_FOUND"));
});

test("a desired value that the mapper has seen before the newest does not bring it back", async () => {
  await using world = await startedWorld({ led: "ON" });
  const twin = { propertyName: "led", reported: { value: "OFF", metadata: new Map() } };
  await world.manager.reportDeviceStatus({
    deviceName: "thermo-1",
    deviceNamespace: "default",
    reportedDevice: {
      twins: [{ ...twin, observedDesired: { value: "OFF", metadata: new Map() } }],
      reportToCloud: true,
      reportCycle: 0,
    },
  });
  assert.equal(stored(world, "led"), "OFF");
  assert.equal(world.twins.twin.wantedValues("default/thermo-1").get("led"), "ON");
});

test("a state is taken in KubeEdge's words, anything else is refused", async () => {
  await using world = await startedWorld();
  const target = { deviceName: "thermo-1", deviceNamespace: "default" };
  await world.manager.reportDeviceStates({ ...target, state: "offline" });
  assert.ok(world.twins.outbox().some(({ key }) => key === "devicestate/default/thermo-1"));
  for (const state of ["", "tired"])
    await assert.rejects(world.manager.reportDeviceStates({ ...target, state }), (error) =>
      isSkerryError(error, "DMI_REFUSED"),
    );
});

test("a registration without name, protocol or the path of a socket is refused", async () => {
  await using world = await startedWorld();
  const mapper = {
    name: "m",
    version: "",
    apiVersion: "",
    protocol: "p",
    address: Buffer.from("/run/m.sock"),
    state: "",
  };
  const wrong = [
    undefined,
    { ...mapper, name: "" },
    { ...mapper, protocol: "" },
    { ...mapper, address: Buffer.from("m.sock") },
    { ...mapper, address: Buffer.from("/run/../etc/m.sock") },
    { ...mapper, address: Buffer.from(`/${"x".repeat(200)}`) },
  ];
  for (const bad of wrong)
    await assert.rejects(world.manager.mapperRegister({ withData: true, mapper: bad }), (error) =>
      isSkerryError(error, "DMI_REFUSED"),
    );
  await world.manager.mapperRegister({ withData: true, mapper });
});
