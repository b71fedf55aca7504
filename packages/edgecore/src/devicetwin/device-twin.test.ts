import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import { defaultDeviceTwinLimits } from "./limits.ts";
import { device, model, openTwinDatabase, type Published, TwinWorld } from "./testing/twin-world.ts";

const root = "$hw/events/device/default/thermo-1";

function only(published: readonly Published[], topicEnd: string): JsonObject {
  const found = published.filter(({ topic }) => topic.endsWith(topicEnd));
  assert.equal(
    found.length,
    1,
    `one publication on …${topicEnd}, got ${published.map(({ topic }) => topic).join(", ")}`,
  );
  return found[0]?.document ?? {};
}

function at(value: JsonValue | undefined, ...path: string[]): JsonValue | undefined {
  return path.reduce<JsonValue | undefined>(
    (inner, member) => (isJsonObject(inner) ? inner[member] : undefined),
    value,
  );
}

async function worldWithDevice(desired: Readonly<Record<string, string>> = {}): Promise<TwinWorld> {
  const world = await TwinWorld.start();
  await world.fromCloud("insert", model);
  await world.fromCloud("insert", device(desired));
  return world;
}

test("a first value, made while the link is cut, waits for the cloud with its value", async () => {
  await using world = await worldWithDevice();
  await world.bus.send(`${root}/twin/update`, { event_id: "e1", twin: { temperature: { actual: { value: "21.7" } } } });
  const [entry, ...others] = world.outbox();
  assert.equal(others.length, 0);
  assert.equal(entry?.resource, "device/default/thermo-1/twin/edge_updated");
  assert.deepEqual([entry?.source, entry?.group, entry?.operation], ["twin", "resource", "update"]);
  const property = at(entry?.content, "twin", "temperature");
  assert.equal(at(property, "actual", "value"), "21.7");
  assert.deepEqual(at(property, "actual_version"), { cloud: 0, edge: 1 });
  assert.deepEqual(at(property, "metadata"), { type: "float" });
});

test("values made offline coalesce per property: only the newest of each waits", async () => {
  await using world = await worldWithDevice();
  for (const value of ["1", "2", "3"])
    await world.bus.send(`${root}/twin/update`, { twin: { temperature: { actual: { value } } } });
  await world.bus.send(`${root}/twin/update`, { twin: { led: { actual: { value: "ON" } } } });
  const values = world
    .outbox()
    .map(({ key, content }) => [key, at(content, "twin", key.split("/")[3] ?? "", "actual")]);
  assert.deepEqual(
    values.map(([key, actual]) => [key, at(actual as JsonValue, "value")]),
    [
      ["twin/default/thermo-1/led", "ON"],
      ["twin/default/thermo-1/temperature", "3"],
    ],
  );
});

test("a desired value patched in the cloud becomes a document and a delta, and the device's answer ends it", async () => {
  await using world = await worldWithDevice();
  await world.bus.send(`${root}/twin/update`, { twin: { temperature: { actual: { value: "20" } } } });
  world.bus.take();
  await world.fromCloud("update", device({ temperature: "25.5" }));
  const published = world.bus.take();
  assert.deepEqual(at(only(published, "/twin/update/delta"), "delta"), { temperature: "25.5" });
  const change = at(only(published, "/twin/update/document"), "twin", "temperature");
  assert.equal(at(change, "last", "expected"), undefined);
  assert.equal(at(change, "current", "expected", "value"), "25.5");
  const report = world.outbox().find(({ key }) => key.endsWith("/temperature"));
  assert.equal(at(report?.content, "twin", "temperature", "expected", "value"), "25.5");
  assert.equal(at(report?.content, "twin", "temperature", "actual", "value"), "20");

  await world.bus.send(`${root}/twin/update`, { twin: { temperature: { actual: { value: "25.50" } } } });
  assert.equal(
    world.bus.take().some(({ topic }) => topic.endsWith("/delta")),
    false,
    "25.50 is the number 25.5",
  );
});

test("a desired value is published again when the broker comes back and when the device asks", async () => {
  await using world = await worldWithDevice({ led: "ON" });
  world.bus.take();
  world.bus.connect();
  assert.deepEqual(at(only(world.bus.take(), "/twin/update/delta"), "delta"), { led: "ON" });
  await world.bus.send(`${root}/twin/get`, { event_id: "g1" });
  const published = world.bus.take();
  const result = only(published, "/twin/get/result");
  assert.equal(result["event_id"], "g1");
  assert.equal(at(result, "twin", "led", "expected", "value"), "ON");
  assert.deepEqual(at(only(published, "/twin/update/delta"), "delta"), { led: "ON" });
});

test("everything accepted is there after a restart without the network, and is not taken over twice", async () => {
  const folder = mkdtempSync(join(tmpdir(), "skerry-twin-"));
  try {
    const path = join(folder, "edgecore.db");
    {
      await using world = await TwinWorld.start({ database: openTwinDatabase(path) });
      await world.fromCloud("insert", model);
      await world.fromCloud("insert", device({ led: "ON" }));
      await world.bus.send(`${root}/twin/update`, { twin: { led: { expected: { value: "OFF" } } } });
      await world.bus.send(`${root}/state/update`, { state: "online" });
    }
    await using world = await TwinWorld.start({ database: openTwinDatabase(path) });
    await world.bus.send(`${root}/twin/get`, {});
    const result = only(world.bus.take(), "/twin/get/result");
    assert.equal(at(result, "twin", "led", "expected", "value"), "OFF", "the edge's newer expected value stays");
    assert.equal(world.outbox().length, 2);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a Device stored while DeviceTwin was not running is taken over at the start", async () => {
  const database = openTwinDatabase();
  const first = await TwinWorld.start({ database });
  await first.twin[Symbol.asyncDispose]();
  await first.fromCloud("insert", model);
  await first.fromCloud("insert", device({ temperature: "22" }));
  assert.equal(first.outbox().length, 0);
  await using world = await TwinWorld.start({ database });
  assert.deepEqual(at(only(world.bus.take(), "/twin/update/delta"), "delta"), { temperature: "22" });
});

test("desired values wait for the DeviceModel and are checked against it", async () => {
  await using world = await TwinWorld.start();
  await world.fromCloud("insert", device({ temperature: "hot", led: "ON", serial: "7" }));
  assert.equal(
    world.bus.take().some(({ topic }) => topic.endsWith("/delta")),
    false,
  );
  await world.fromCloud("insert", model);
  // `hot` is no FLOAT, `serial` is read-only.
  assert.deepEqual(at(only(world.bus.take(), "/twin/update/delta"), "delta"), { led: "ON" });
  await world.fromCloud("update", device({ temperature: "81", led: "ON" }));
  assert.deepEqual(world.bus.take(), [], "81 is above the maximum");
});

test("withdrawing a desired value ends the delta and keeps what the device says", async () => {
  await using world = await worldWithDevice({ led: "ON", temperature: "20" });
  await world.bus.send(`${root}/twin/update`, { twin: { led: { actual: { value: "OFF" } } } });
  await world.fromCloud("update", device());
  world.bus.take();
  await world.bus.send(`${root}/twin/get`, {});
  const published = world.bus.take();
  assert.deepEqual(Object.keys(at(only(published, "/twin/get/result"), "twin") as JsonObject), ["led"]);
  assert.equal(published.length, 1, "no delta");
  const report = world.outbox().find(({ key }) => key.endsWith("/led"));
  assert.equal(at(report?.content, "twin", "led", "expected", "value"), "", "the cloud sees that nothing is wanted");
  assert.equal(at(report?.content, "twin", "led", "actual", "value"), "OFF");
});

test("any text is a value: blanks, JSON, all of Unicode", async () => {
  await using world = await worldWithDevice();
  for (const value of ["50 %", '{"boxes":[1,2]}', "grüße 🌊", "", "x".repeat(10_000)]) {
    await world.bus.send(`${root}/twin/update`, { event_id: "v", twin: { led: { actual: { value } } } });
    const result = only(world.bus.take(), "/twin/update/result");
    assert.equal(at(result, "twin", "led", "actual", "value"), value);
  }
});

test("a bad request is refused as a whole, answered on the device's topic, and changes nothing", async () => {
  await using world = await worldWithDevice({ led: "ON" });
  world.bus.take();
  const good = { temperature: { actual: { value: "1" } } };
  const bad: [JsonValue | string, number, RegExp][] = [
    ["not json", 400, /not JSON/],
    ["[]", 400, /not a JSON object/],
    [{ event_id: 7, twin: good }, 400, /event_id/],
    [{ event_id: "x".repeat(300), twin: good }, 400, /event_id/],
    [{ event_id: "e" }, 400, /no "twin"/],
    [{ twin: { ...good, "bad name": { actual: { value: "1" } } } }, 400, /bad name/],
    [{ twin: { ...good, led: { actual: {} } } }, 400, /actual\.value/],
    [{ twin: { ...good, led: { actual: { value: 5 } } } }, 400, /actual\.value/],
    [{ twin: { temperature: { actual: { value: "warm" } } } }, 400, /not of type float/],
    [{ twin: { ...good, fresh: { actual: { value: "1" }, metadata: { type: "colour" } } } }, 400, /colour/],
    [{ twin: { ...good, led: { actual: { value: "x".repeat(70_000) } } } }, 400, /65536/],
    [{ twin: { ...good, led: { actual: { value: "\ud800" } } } }, 400, /led/],
    [{ twin: { ...good, led: null } }, 409, /desired value in the Device/],
  ];
  for (const [payload, code, reason] of bad) {
    await world.bus.send(`${root}/twin/update`, payload);
    const [answer, ...others] = world.bus.take();
    assert.equal(others.length, 0);
    assert.equal(answer?.topic, `${root}/twin/update/result`);
    assert.equal(answer?.document["code"], code, JSON.stringify(payload).slice(0, 80));
    assert.match(String(answer?.document["reason"]), reason);
  }
  await world.bus.send(`${root}/twin/get`, {});
  const result = only(world.bus.take(), "/twin/get/result");
  assert.deepEqual(Object.keys(at(result, "twin") as JsonObject), ["led"], "temperature was never taken");
});

test("a client at the edge may want a value where the model allows it, and is told where it does not", async () => {
  await using world = await worldWithDevice();
  world.bus.take();
  await world.bus.send(`${root}/twin/update`, { twin: { serial: { expected: { value: "7" } } } });
  assert.equal(only(world.bus.take(), "/twin/update/result")["code"], 400);
  await world.bus.send(`${root}/twin/update`, {
    twin: { serial: { actual: { value: "7" } }, led: { expected: { value: "ON" } } },
  });
  const published = world.bus.take();
  assert.equal(only(published, "/twin/update/result")["code"], undefined);
  assert.deepEqual(at(only(published, "/twin/update/delta"), "delta"), { led: "ON" });
});

test("of desired values the newest counts: the edge's stays until the Device's changes again", async () => {
  await using world = await worldWithDevice({ led: "A" });
  await world.bus.send(`${root}/twin/update`, { twin: { led: { expected: { value: "B" } } } });
  await world.fromCloud("update", device({ led: "A" }));
  assert.equal(world.twin.wantedValues("default/thermo-1").get("led"), "B");
  world.bus.take();
  await world.fromCloud("update", device({ led: "C" }));
  assert.equal(world.twin.wantedValues("default/thermo-1").get("led"), "C");
  const change = at(only(world.bus.take(), "/twin/update/document"), "twin", "led");
  assert.equal(at(change as JsonValue, "last", "expected", "value"), "B", "the loser is told what it lost to");
});

test("an unknown device is answered with 404", async () => {
  await using world = await TwinWorld.start();
  for (const action of ["twin/update", "twin/get", "state/update"]) {
    const request = { event_id: "e", twin: { a: { actual: { value: "1" } } }, state: "online" };
    await world.bus.send(`$hw/events/device/default/nosuch/${action}`, request);
    const answer = only(world.bus.take(), `/nosuch/${action}/result`);
    assert.deepEqual([answer["code"], answer["event_id"]], [404, "e"]);
  }
});

test("a device in a namespace called device is answered: topics are cut by level, not by text", async () => {
  await using world = await TwinWorld.start();
  await world.membership({ added_devices: [{ id: "device/events", name: "events" }], removed_devices: null });
  world.bus.take();
  await world.bus.send("$hw/events/device/device/events/twin/update", { twin: { a: { actual: { value: "1" } } } });
  const result = only(world.bus.take(), "/twin/update/result");
  assert.equal(at(result, "twin", "a", "actual", "value"), "1");
});

test("a deleted property is gone, and its versions go on when it comes back", async () => {
  await using world = await worldWithDevice();
  await world.bus.send(`${root}/twin/update`, { twin: { extra: { actual: { value: "1" } } } });
  world.bus.take();
  await world.bus.send(`${root}/twin/update`, { twin: { extra: null } });
  const published = world.bus.take();
  assert.deepEqual(at(only(published, "/twin/update/result"), "twin"), { extra: null });
  assert.equal(at(only(published, "/twin/update/document"), "twin", "extra", "current"), null);
  await world.bus.send(`${root}/twin/update`, {
    twin: { extra: { actual: { value: "true" }, metadata: { type: "boolean" } } },
  });
  const report = world.outbox().find(({ key }) => key.endsWith("/extra"));
  assert.deepEqual(at(report?.content, "twin", "extra", "actual_version"), { cloud: 0, edge: 3 });
  assert.deepEqual(at(report?.content, "twin", "extra", "metadata"), { type: "boolean" });
});

test("a property that is not optional cannot be deleted, and does not become optional again", async () => {
  await using world = await worldWithDevice();
  const update = (property: JsonValue): Promise<void> =>
    world.bus.send(`${root}/twin/update`, { twin: { extra: property } });
  await update({ actual: { value: "1" }, optional: false });
  await update({ actual: { value: "1" }, optional: true });
  await update(null);
  world.bus.take();
  await world.bus.send(`${root}/twin/get`, {});
  assert.deepEqual(at(only(world.bus.take(), "/twin/get/result"), "twin", "extra", "optional"), false);
});

test("a device has a limit of properties", async () => {
  await using world = await TwinWorld.start({ limits: { ...defaultDeviceTwinLimits, maximumPropertiesPerDevice: 2 } });
  await world.fromCloud("insert", model);
  await world.fromCloud("insert", device());
  const update = (name: string): Promise<void> =>
    world.bus.send(`${root}/twin/update`, { twin: { [name]: { actual: { value: "1" } } } });
  await update("a");
  await update("b");
  await update("a");
  world.bus.take();
  await update("c");
  assert.equal(only(world.bus.take(), "/twin/update/result")["code"], 400);
});

test("a state is stored, answered, and reported as KubeEdge does: a text that holds JSON", async () => {
  await using world = await worldWithDevice();
  world.bus.take();
  await world.bus.send(`${root}/state/update`, { event_id: "s1", state: "Online" });
  const result = only(world.bus.take(), "/state/update/result");
  const state = { name: "thermo-1", state: "Online", lastOnlineTime: "2026-01-01T00:00:00Z" };
  assert.deepEqual(result["device"], state);
  const [entry] = world.outbox();
  assert.equal(entry?.resource, "device/default/thermo-1/state/update");
  assert.deepEqual(at(JSON.parse(String(entry?.content)) as JsonValue, "device"), state);
  await world.bus.send(`${root}/state/update`, { event_id: "s2", state: "sleepy" });
  assert.equal(only(world.bus.take(), "/state/update/result")["code"], 400);
});

test("a device that goes offline was last there then, however often it is said to be offline", async () => {
  await using world = await worldWithDevice();
  const lastOnline = (): JsonValue | undefined =>
    at(JSON.parse(String(world.outbox()[0]?.content)) as JsonValue, "device", "lastOnlineTime");
  const say = (state: string): Promise<void> => world.bus.send(`${root}/state/update`, { event_id: "s", state });
  await say("offline");
  assert.equal(lastOnline(), undefined, "it never was there");
  await say("online");
  await world.clock.advance(60_000);
  world.bus.take();
  await say("offline");
  assert.equal(lastOnline(), "2026-01-01T00:01:00Z");
  const told = { name: "thermo-1", state: "offline" };
  assert.deepEqual(only(world.bus.take(), "/state/update/result")["device"], told, "at the edge as KubeEdge does");
  await world.clock.advance(60_000);
  await say("offline");
  await say("unknown");
  assert.equal(lastOnline(), "2026-01-01T00:01:00Z");
  await world.bus.send("$hw/events/node/edge-node-1/membership/get", { event_id: "m" });
  assert.equal(JSON.stringify(world.bus.take()).includes("last_online"), false, "at the edge as KubeEdge does");
});

test("a Device of the same name with another UID starts with an empty twin", async () => {
  await using world = await worldWithDevice();
  await world.bus.send(`${root}/twin/update`, { twin: { led: { actual: { value: "ON" } } } });
  world.bus.take();
  await world.fromCloud("insert", device({}, "device-2"));
  const published = world.bus.take();
  assert.deepEqual(
    published.map(({ document }) => [document["added_devices"] === null, document["removed_devices"] === null]),
    [
      [true, false],
      [false, true],
    ],
  );
  await world.bus.send(`${root}/twin/get`, {});
  assert.deepEqual(only(world.bus.take(), "/twin/get/result")["twin"], {});
  assert.deepEqual(world.outbox(), [], "the other device's values are not reported as this one's");
});

test("a deleted Device is forgotten with all that waits for it; a late membership message does not outweigh a Device", async () => {
  await using world = await worldWithDevice();
  await world.bus.send(`${root}/twin/update`, { twin: { led: { actual: { value: "ON" } } } });
  world.bus.take();
  const removal = { added_devices: null, removed_devices: [{ id: "default/thermo-1", name: "thermo-1" }] };
  await world.membership(removal);
  assert.deepEqual(world.bus.take(), []);
  await world.fromCloud("delete", device());
  assert.deepEqual(at(only(world.bus.take(), "/membership/updated"), "removed_devices"), [
    { id: "default/thermo-1", name: "thermo-1", description: "cellar" },
  ]);
  assert.deepEqual(world.outbox(), []);
  await world.bus.send(`${root}/twin/get`, {});
  assert.equal(only(world.bus.take(), "/twin/get/result")["code"], 404);
});

test("membership makes a device known before its Device comes, and the Device completes it", async () => {
  await using world = await TwinWorld.start();
  await world.membership({
    added_devices: [{ id: "default/thermo-1", name: "thermo-1" }, { id: "no-namespace" }, 7],
    removed_devices: null,
  });
  await world.bus.send(`${root}/twin/update`, { twin: { led: { actual: { value: "ON" } } } });
  await world.fromCloud("insert", model);
  await world.fromCloud("insert", device());
  const added = world.bus.take().filter(({ topic }) => topic.endsWith("/membership/updated"));
  assert.equal(added.length, 1);
  await world.bus.send("$hw/events/node/edge-node-1/membership/get", { event_id: "m" });
  assert.deepEqual(only(world.bus.take(), "/membership/get/result")["devices"], [
    { id: "default/thermo-1", name: "thermo-1", description: "cellar" },
  ]);
  await world.bus.send(`${root}/twin/get`, {});
  assert.equal(at(only(world.bus.take(), "/twin/get/result"), "twin", "led", "actual", "value"), "ON");
});

test("messages on reserved topics and for other nodes are ignored and counted", async () => {
  await using world = await worldWithDevice({ led: "ON" });
  world.bus.take();
  await world.bus.send(`${root}/twin/cloud_updated`, { twin: { led: null } });
  await world.bus.send("$hw/events/device//x/twin/get", {});
  await world.bus.send("$hw/events/node/other/membership/get", {});
  assert.deepEqual(world.bus.take(), []);
  assert.equal(world.twin.ignoredCount, 2);
});

test("an update that cannot be stored is answered with 500 and not published as done", async () => {
  await using world = await worldWithDevice();
  world.bus.take();
  await world.database.transaction((transaction) => transaction.run("ALTER TABLE twin_property RENAME TO gone"));
  await world.bus.send(`${root}/twin/update`, { event_id: "e", twin: { led: { actual: { value: "ON" } } } });
  const [answer, ...others] = world.bus.take();
  assert.equal(others.length, 0);
  assert.equal(answer?.document["code"], 500);
  await world.database.transaction((transaction) => transaction.run("ALTER TABLE gone RENAME TO twin_property"));
  await world.bus.send(`${root}/twin/get`, {});
  assert.deepEqual(only(world.bus.take(), "/twin/get/result")["twin"], {});
});

test("a hundred devices of a changed model, and of one membership, are brought in line with a handful of commits", async (t) => {
  await using world = await TwinWorld.start();
  const names = Array.from({ length: 100 }, (_, index) => `thermo-${index}`);
  const exec = t.mock.method(DatabaseSync.prototype, "exec");
  const commits = (): number => exec.mock.calls.filter(({ arguments: [sql] }) => sql === "COMMIT").length;

  await world.membership({ added_devices: names.map((name) => ({ id: `default/${name}`, name })) });
  assert.ok(commits() <= 4, `${commits()} commits for the membership`);

  for (const name of names) {
    const one = device({ temperature: "25.5" });
    await world.fromCloud("insert", { ...one, metadata: { name, namespace: "default", uid: `uid-${name}` } });
  }
  world.bus.take();
  exec.mock.resetCalls();
  await world.fromCloud("insert", model);
  const following = (): number => world.twin.wantedValues(`default/${names.at(-1)}`).size;
  while (following() === 0) await world.clock.advance(0);
  assert.equal(world.bus.take().filter(({ topic }) => topic.endsWith("/twin/update/delta")).length, names.length);
  assert.ok(commits() <= 6, `${commits()} commits for the model`);
});
