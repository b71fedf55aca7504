import assert from "node:assert/strict";
import { test } from "node:test";
import { isSkerryError } from "@skerry/base";
import type { PushMethod } from "@skerry/dmi";
import { integer } from "./config-schema.ts";
import { type Driver, defineDriver } from "./driver.ts";
import type { PropertyValue } from "./property-value.ts";
import { device, MapperWorld } from "./testing/scripted-edge-core.ts";

/** A driver of memory. */
function memory(values: Map<string, PropertyValue>, read?: (name: string) => PropertyValue | undefined): Driver {
  return defineDriver({
    protocol: "test",
    open: () => null,
    read: (_session, { name }) => (read ? read(name) : values.get(name)),
    write: (_session, { name }, value) => void values.set(name, value),
    methods: { Double: (_session, { name }, value) => void values.set(name, Number(value) * 2) },
  });
}

function pushBy(way: Partial<PushMethod>): PushMethod {
  return {
    http: undefined,
    mqtt: undefined,
    dbMethod: undefined,
    otel: undefined,
    anomalyDetection: undefined,
    ...way,
  };
}

test("a desired value reaches the device scaled, and its reading comes back as the value", async () => {
  const values = new Map<string, PropertyValue>();
  const properties = { temperature: {}, setpoint: { desired: "25", config: { scale: 0.5 } } };
  await using world = await MapperWorld.start(memory(values), [device("d", properties)]);
  await world.untilValue("d", "setpoint", "25");
  assert.equal(values.get("setpoint"), 50);
});

test("small changes within the dead band are not reported, but an old value is repeated", async () => {
  const values = new Map<string, PropertyValue>([["temperature", 20]]);
  const properties = { temperature: { config: { deadBand: 1 } } };
  await using world = await MapperWorld.start(memory(values), [device("d", properties)]);
  await world.untilValue("d", "temperature", "20");
  values.set("temperature", 20.9);
  await world.clock.advance(60_000);
  assert.deepEqual(
    world.take().filter(({ kind }) => kind === "values"),
    [],
  );
  values.set("temperature", 21);
  await world.untilValue("d", "temperature", "21");
  await world.clock.advance(5 * 60_000);
  await world.untilValue("d", "temperature", "21");
});

test("one property whose configuration does not fit is left out and the others work", async () => {
  const driver = defineDriver({
    protocol: "test",
    propertyConfig: { register: integer(0, 65_535) },
    open: () => null,
    read: (_session, { config }) => config.register,
  });
  const properties = { led: {}, setpoint: { config: { register: "7" } }, temperature: { config: { register: -1 } } };
  await using world = await MapperWorld.start(driver, [device("d", properties)]);
  await world.untilValue("d", "setpoint", "7");
  assert.deepEqual(world.mapper.devices(), [{ id: "default/d", offlineReason: undefined }]);
  await assert.rejects(world.mapper.worker("default/d").read("led"), /MAPPER_PROPERTY_INVALID|does not fit/);
});

test("cycles that were meant in nanoseconds are taken for nanoseconds", async () => {
  const values = new Map<string, PropertyValue>([["setpoint", 1]]);
  const properties = { setpoint: { collectCycle: 10_000_000_000, reportCycle: 10_000_000_000 } };
  await using world = await MapperWorld.start(memory(values), [device("d", properties)]);
  await world.untilValue("d", "setpoint", "1");
  values.set("setpoint", 2);
  const before = world.clock.monotonicMs();
  await world.untilValue("d", "setpoint", "2");
  assert.ok(world.clock.monotonicMs() - before < 24 * 3_600_000, "in milliseconds it would be 115 days");
});

test("values are pushed where pushMethod says, the newest at most once a report cycle, also what EdgeCore does not get", async () => {
  let value = 0;
  const mqtt = { address: "tcp://broker:1883", topic: "room", qos: 1, retained: true };
  const http = { hostname: "http://sink", port: 8080, requestpath: "values", timeout: 0 };
  const properties = {
    setpoint: { reportToCloud: false, reportCycle: 10_000, pushMethod: pushBy({ mqtt, http }) },
  };
  await using world = await MapperWorld.start(
    memory(new Map(), () => ++value),
    [device("d", properties)],
  );
  await world.untilState("d", "online");
  const before = world.pushes.length;
  await world.clock.advance(60_000);
  const to = (kind: string): typeof world.pushes =>
    world.pushes.slice(before).filter(({ target }) => target.kind === kind);
  assert.equal(to("mqtt").length, 6);
  assert.equal(to("http").length, 6);
  assert.deepEqual(to("http")[0]?.target, { kind: "http", url: "http://sink:8080/values", timeoutMs: 10_000 });
  const texts = to("mqtt").map(({ sample }) => Number(sample.text));
  for (const [index, text] of texts.slice(1).entries())
    assert.ok(Math.abs(text - (texts[index] ?? 0) - 10) <= 1, `one reading a second: ${texts}`);
  assert.deepEqual(
    world.take().filter(({ kind }) => kind === "values"),
    [],
  );
});

test("a target that takes nothing costs the others nothing, and gets the newest value when it is back", async () => {
  let value = 0;
  const mqtt = { address: "tcp://broker:1883", topic: "room", qos: 0, retained: false };
  const properties = { setpoint: { pushMethod: pushBy({ mqtt }) }, temperature: {} };
  const driver = memory(new Map(), (name) => (name === "setpoint" ? ++value : 20));
  await using world = await MapperWorld.start(driver, [device("d", properties)]);
  world.refusePush = true;
  await world.clock.advance(600_000);
  assert.ok(world.pushes.length < 30, `${world.pushes.length} tries`);
  await world.untilValue("d", "temperature", "20");
  world.refusePush = false;
  const tries = world.pushes.length;
  while (world.pushes.length === tries) await world.clock.advance(100);
  assert.ok(Math.abs(Number(world.pushes.at(-1)?.sample.text) - value) <= 1);
});

test("somebody outside reads and writes a property at once, and calls a device's methods", async () => {
  const values = new Map<string, PropertyValue>([["setpoint", 1]]);
  await using world = await MapperWorld.start(memory(values), [device("d", { temperature: {}, setpoint: {} })]);
  await world.untilState("d", "online");
  const worker = world.mapper.worker("default/d");
  assert.equal((await worker.read("setpoint"))?.text, "1");
  await worker.write("setpoint", "5");
  assert.equal((await worker.read("setpoint"))?.text, "5");
  await worker.write("setpoint", "5", "Double");
  assert.equal(values.get("setpoint"), 10);
  await assert.rejects(worker.write("temperature", "5"), (error) => isSkerryError(error, "DRIVER_NOT_WRITABLE"));
  await assert.rejects(worker.write("setpoint", "x"), (error) => isSkerryError(error, "DRIVER_VALUE_UNFIT"));
  await assert.rejects(worker.read("humidity"), (error) => isSkerryError(error, "MAPPER_PROPERTY_UNKNOWN"));
  assert.throws(
    () => world.mapper.worker("default/other"),
    (error) => isSkerryError(error, "MAPPER_DEVICE_UNKNOWN"),
  );
});

test("calls from outside are bounded, and refused when the device goes offline", async () => {
  const driver = defineDriver({
    protocol: "test",
    open: () => null,
    read: (_session, { name }) => (name === "led" ? true : new Promise<number>(() => undefined)),
  });
  const properties = { led: { collectCycle: 60_000 }, setpoint: { reportToCloud: false } };
  await using world = await MapperWorld.start(driver, [device("d", properties)]);
  await world.untilState("d", "online");
  const worker = world.mapper.worker("default/d");
  const calls = Array.from({ length: 20 }, () =>
    worker.read("setpoint").then(
      () => "read",
      (error: unknown) => (isSkerryError(error) ? error.code : "?"),
    ),
  );
  await world.untilState("d", "offline");
  const counts = Object.groupBy(await Promise.all(calls), (code) => code ?? "");
  assert.equal(counts["DRIVER_HANGS"]?.length, 1);
  assert.equal(counts["MAPPER_DEVICE_BUSY"]?.length, 4);
  assert.equal(counts["MAPPER_DEVICE_OFFLINE"]?.length, 15);
});

test("another driver takes over without a new registration, and the desired values are written by it", async () => {
  const [before, after] = [new Map<string, PropertyValue>(), new Map<string, PropertyValue>()];
  await using world = await MapperWorld.start(memory(before), [device("d", { setpoint: { desired: "7" } })]);
  await world.untilValue("d", "setpoint", "7");
  await world.mapper.replaceDriver(memory(after));
  while (after.size === 0) await world.clock.advance(100);
  assert.equal(after.get("setpoint"), 7);
  assert.equal(world.registrations, 1);
  const other = defineDriver({ protocol: "other", open: () => null, read: () => 1 });
  await assert.rejects(world.mapper.replaceDriver(other), (error) => isSkerryError(error, "MAPPER_PROTOCOL_CHANGED"));
});
