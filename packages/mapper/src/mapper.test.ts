import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { dmiNotFound, dmiRequestInvalid } from "@skerry/dmi";
import { number, text } from "./config-schema.ts";
import { defineDriver } from "./driver.ts";
import { loadDriver } from "./platform/index.ts";
import type { PropertyValue } from "./property-value.ts";
import { device, MapperWorld } from "./testing/scripted-edge-core.ts";

const virtualDriver = (): ReturnType<typeof loadDriver> =>
  loadDriver(fileURLToPath(new URL("../../../mappers/virtual/driver.ts", import.meta.url)));

/** A driver of memory: what is written is read; `broken` decides what goes wrong. */
class Bench {
  readonly values = new Map<string, unknown>();
  readonly writes: [string, PropertyValue][] = [];
  opened = 0;
  reads = 0;
  onOpen: (id: string) => void | Promise<void> = () => undefined;
  onRead: (id: string, property: string) => unknown = (_id, property) => this.values.get(property) ?? 0;
  readonly driver = defineDriver({
    protocol: "test",
    open: async (_config, { deviceId }) => {
      this.opened++;
      await this.onOpen(deviceId);
      return deviceId;
    },
    read: async (id, { name }) => {
      this.reads++;
      return (await this.onRead(id, name)) as number;
    },
    write: (_id, { name }, value) => {
      this.writes.push([name, value]);
      this.values.set(name, value);
    },
  });
}

test("the virtual driver's values and state reach EdgeCore, and a desired value is written and reported", async () => {
  const properties = {
    temperature: { config: { wave: "sine", mean: 20, amplitude: 5 } },
    setpoint: { config: { wave: "memory" }, desired: "21" },
  };
  await using world = await MapperWorld.start(await virtualDriver(), [device("room", properties)]);
  await world.untilState("room", "online");
  await world.untilValue("room", "setpoint", "21");
  const report = await world.untilValue("room", "temperature");
  assert.ok(report.kind === "values");
  const temperature = Number(report.values["temperature"]);
  assert.ok(temperature >= 15 && temperature <= 25, `${temperature}`);
  await world.caller.updateDevice({
    device: device("room", { ...properties, setpoint: { config: { wave: "memory" }, desired: "23" } }),
  });
  await world.untilValue("room", "setpoint", "23");
});

test("a report has both halves of each twin, as KubeEdge's EdgeCore needs, with what is wanted", async () => {
  const properties = { temperature: {}, setpoint: { desired: "21" } };
  await using world = await MapperWorld.start(new Bench().driver, [device("room", properties)]);
  await world.untilValue("room", "setpoint", "21");
  await world.untilValue("room", "temperature");
  assert.deepEqual(Object.fromEntries(world.observed), { "room/setpoint": "21", "room/temperature": "" });
});

test("a value that may be written once is not written again: not after a failure, nor when the device comes back", async () => {
  const bench = new Bench();
  const failing = defineDriver({
    protocol: "test",
    open: () => "d",
    read: () => 0,
    write: (_id: string, { name }, value) => {
      bench.writes.push([name, value]);
      if (name === "door") throw new Error("it may have opened or not");
    },
  });
  const properties = { setpoint: { desired: "20" }, door: { desired: "1", once: true } };
  await using world = await MapperWorld.start(failing, [device("d", properties)]);
  await world.untilState("d", "online");
  await world.clock.advance(300_000);
  await world.caller.updateDevice({ device: device("d", { setpoint: { desired: "21" }, door: {} }) });
  await world.clock.advance(300_000);
  assert.deepEqual(
    bench.writes.filter(([name]) => name === "door"),
    [["door", "1"]],
  );
  assert.deepEqual(
    bench.writes.filter(([name]) => name === "setpoint").map(([, value]) => value),
    [20, 21],
  );
});

test("a desired value is written once, as the property's type, and again when it changes or the device comes back", async () => {
  const bench = new Bench();
  const wanting = (setpoint: string, led: string): ReturnType<typeof device> =>
    device("d", { setpoint: { desired: setpoint }, led: { desired: led } });
  await using world = await MapperWorld.start(bench.driver, [wanting("20", "true")]);
  await world.untilValue("d", "led", "true");
  await world.clock.advance(10_000);
  assert.deepEqual(bench.writes, [
    ["setpoint", 20],
    ["led", true],
  ]);
  await world.caller.updateDevice({ device: wanting("20", "false") });
  await world.untilValue("d", "led", "false");
  assert.deepEqual(bench.writes.slice(2), [["led", false]]);
  assert.equal(bench.opened, 1, "a new desired value does not reopen the device");
});

test("read-only properties and values of another type are not written, and the rest goes on", async () => {
  const bench = new Bench();
  const properties = { temperature: { desired: "30" }, setpoint: { desired: "warm" }, led: { desired: "true" } };
  await using world = await MapperWorld.start(bench.driver, [device("d", properties)]);
  await world.untilValue("d", "led", "true");
  assert.deepEqual(bench.writes, [["led", true]]);
});

test("a device whose driver throws is offline with why, and is back as soon as it answers; others notice nothing", async () => {
  const bench = new Bench();
  bench.onOpen = (id) => {
    if (id === "default/bad") throw new Error("no route to host");
  };
  const devices = [device("bad", { temperature: {} }), device("good", { temperature: {} })];
  await using world = await MapperWorld.start(bench.driver, devices);
  await world.untilState("bad", "offline");
  await world.untilValue("good", "temperature");
  assert.deepEqual(world.mapper.devices(), [
    { id: "default/bad", offlineReason: "no route to host" },
    { id: "default/good", offlineReason: undefined },
  ]);
  bench.onOpen = () => undefined;
  await world.untilState("bad", "online");
});

test("a driver that hangs takes its device offline, is asked at most three times at once, and harms no other device", async () => {
  const bench = new Bench();
  let hanging = 0;
  bench.onRead = (id) => {
    if (id !== "default/bad") return 1;
    hanging++;
    return new Promise(() => undefined);
  };
  const devices = [device("bad", { temperature: {} }), device("good", { temperature: {} })];
  await using world = await MapperWorld.start(bench.driver, devices);
  await world.untilState("bad", "offline");
  await world.untilValue("good", "temperature");
  await world.clock.advance(600_000);
  assert.equal(hanging, 3);
  assert.match(world.mapper.devices()[0]?.offlineReason ?? "", /DRIVER_STUCK/);
  world.take();
  await world.untilValue("good", "temperature");
});

test("a hanging device is replaced without waiting for it", async () => {
  const bench = new Bench();
  bench.onRead = () => new Promise(() => undefined);
  await using world = await MapperWorld.start(bench.driver, [device("bad", { temperature: {} })]);
  while (bench.reads === 0) await world.clock.advance(100);
  await world.caller.removeDevice({ deviceName: "bad", deviceNamespace: "default" }); // The clock stands still.
  assert.deepEqual(world.mapper.devices(), []);
});

test("one property that cannot be read leaves the device online and the others in their cycle", async () => {
  const bench = new Bench();
  bench.onRead = (_id, property) => {
    if (property === "led") throw new Error("illegal data address");
    return 7;
  };
  await using world = await MapperWorld.start(bench.driver, [device("d", { led: {}, setpoint: {} })]);
  await world.untilValue("d", "setpoint", "7");
  await world.clock.advance(20_000);
  assert.deepEqual(world.mapper.devices(), [{ id: "default/d", offlineReason: undefined }]);
  assert.equal(bench.opened, 1);
});

test("a property is read each collect cycle and reported at most once a report cycle, with its newest value", async () => {
  const bench = new Bench();
  bench.onRead = () => bench.reads;
  const cycles = { collectCycle: 1_000, reportCycle: 10_000 };
  await using world = await MapperWorld.start(bench.driver, [device("d", { setpoint: cycles })]);
  await world.untilValue("d", "setpoint", "1");
  const readsBefore = bench.reads;
  await world.clock.advance(60_000);
  assert.equal(bench.reads - readsBefore, 60);
  const reports = world.take().filter(({ kind }) => kind === "values");
  assert.ok(reports.length <= 6, `${reports.length} reports`);
  bench.onRead = () => -1;
  await world.untilValue("d", "setpoint", "-1");
});

test("a device that floods through its subscription is reported as its report cycle says", async () => {
  const flood: { emit?: (value: number) => void } = {};
  const driver = defineDriver({
    protocol: "test",
    open: () => null,
    read: () => undefined,
    subscribe: (_session, _property, emit) => {
      flood.emit = emit;
    },
  });
  const properties = { setpoint: { reportCycle: 5_000, collectCycle: 60_000 } };
  await using world = await MapperWorld.start(driver, [device("d", properties)]);
  while (!flood.emit) await world.clock.advance(100);
  for (let value = 1; value <= 10_000; value++) flood.emit(value);
  await world.untilValue("d", "setpoint", "10000");
  for (let value = 1; value <= 10_000; value++) flood.emit(-value);
  await world.clock.advance(1_000);
  assert.deepEqual(world.take(), []);
  await world.untilValue("d", "setpoint", "-10000");
});

test("what EdgeCore does not take is dropped alone; what it cannot take now is kept, newest only", async () => {
  const bench = new Bench();
  bench.onRead = (_id, property) => (property === "led" ? true : 5);
  await using world = await MapperWorld.start(bench.driver, [device("d", { led: {}, setpoint: {} })], {
    edgeCore: false,
  });
  world.refuse = (report) =>
    report.kind === "values" && "led" in report.values ? dmiRequestInvalid("led is out of range") : undefined;
  await world.startEdgeCore();
  await world.untilValue("d", "setpoint", "5");
  await world.stopEdgeCore();
  bench.onRead = () => 6;
  await world.clock.advance(5_000);
  world.refuse = undefined;
  await world.startEdgeCore();
  await world.untilValue("d", "setpoint", "6");
});

test("a mapper registers again when EdgeCore no longer knows its devices", async () => {
  const bench = new Bench();
  await using world = await MapperWorld.start(bench.driver, [device("old", { setpoint: {} })]);
  await world.untilValue("old", "setpoint");
  assert.equal(world.registrations, 1);
  world.devices = [device("new", { setpoint: {} })];
  world.refuse = ({ device }) => (device === "old" ? dmiNotFound("no such device") : undefined);
  await world.untilValue("new", "setpoint");
  assert.ok(world.registrations >= 2);
  assert.deepEqual(world.mapper.devices(), [{ id: "default/new", offlineReason: undefined }]);
});

test("a Device whose configuration does not fit the driver is offline, naming the member", async () => {
  const driver = defineDriver({
    protocol: "test",
    deviceConfig: { address: text(), port: number(502) },
    open: ({ address, port }) => `${address}:${port}`,
    read: (session) => session.length,
  });
  await using world = await MapperWorld.start(driver, [
    device("without", { setpoint: {} }),
    device("with", { setpoint: {} }, { address: "10.0.0.1", port: "1502" }),
  ]);
  await world.untilState("without", "offline");
  await world.untilValue("with", "setpoint", String("10.0.0.1:1502".length));
  assert.match(
    world.mapper.devices().find(({ id }) => id === "default/without")?.offlineReason ?? "",
    /configData\.address/,
  );
});
