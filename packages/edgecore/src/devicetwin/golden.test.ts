import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import type { Message } from "@skerry/link";
import { device, model, TwinWorld } from "./testing/twin-world.ts";

interface Line {
  readonly topic: string;
  readonly payload: string;
}

/** The MQTT traffic of a KubeEdge edge node: what clients sent and what it published, one `topic payload` a line. */
function recording(name: string): Line[] {
  const text = readFileSync(new URL(`../../../../fixtures/mqtt/${name}`, import.meta.url), "utf8");
  return text
    .trim()
    .split("\n")
    .map((line) => ({ topic: line.slice(0, line.indexOf(" ")), payload: line.slice(line.indexOf(" ") + 1) }));
}

const isRequest = (topic: string): boolean => /\/(twin\/update|twin\/get|state\/update|membership\/get)$/.test(topic);

/** The document as JSON text, so that the order of members counts, with what differs from run to run blanked. */
function normalised(payload: string): string {
  const blank = (value: JsonValue, name = ""): JsonValue => {
    if (name === "timestamp" || name === "last_online") return `<${name}>`;
    if (Array.isArray(value)) return value.map((item) => blank(item));
    if (!isJsonObject(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([member, inner]) => [member, blank(inner ?? null, member)]));
  };
  return JSON.stringify(blank(JSON.parse(payload) as JsonValue));
}

/** Replays the requests of a recording; returns what was recorded and what DeviceTwin published, in order. */
async function replay(world: TwinWorld, lines: readonly Line[]): Promise<{ recorded: string[]; published: string[] }> {
  world.bus.take();
  const recorded: string[] = [];
  const published: string[] = [];
  for (const { topic, payload } of lines) {
    if (!isRequest(topic)) {
      recorded.push(`${topic} ${normalised(payload)}`);
      continue;
    }
    await world.bus.send(topic, payload);
    for (const answer of world.bus.take())
      published.push(`${answer.topic} ${normalised(JSON.stringify(answer.document))}`);
  }
  return { recorded, published };
}

/** The recording's Device as to what plays a part here; its description label was not set. */
async function recordedWorld(desired: Readonly<Record<string, string>>): Promise<TwinWorld> {
  const world = await TwinWorld.start();
  const { metadata, ...rest } = device(desired);
  assert.ok(isJsonObject(metadata));
  const { labels: _, ...unlabelled } = metadata;
  await world.fromCloud("insert", model);
  await world.fromCloud("insert", { ...rest, metadata: unlabelled });
  return world;
}

test("DeviceTwin publishes on the device's topics what KubeEdge published", async () => {
  await using world = await recordedWorld({});
  const { recorded, published } = await replay(world, recording("device-topics.txt"));
  assert.equal(recorded.length, 8);
  assert.deepEqual(published, recorded);
});

test("DeviceTwin publishes on the node's topics what KubeEdge published", async () => {
  await using world = await recordedWorld({});
  await world.bus.send("$hw/events/device/default/thermo-1/state/update", { state: "online" });
  const { recorded, published } = await replay(world, recording("node-topics.txt"));
  assert.equal(recorded.length, 1);
  assert.deepEqual(published, recorded);
});

test("where KubeEdge errs: the recorded Device's desired values reach the device as deltas", async () => {
  await using world = await recordedWorld({ temperature: "25.5", led: "OFF" });
  const { published } = await replay(world, recording("device-topics.txt"));
  const deltas = published.filter((line) => line.includes("/twin/update/delta "));
  // After the first value both differ; after `"led":{"actual":{"value":"OFF"}}` only the temperature does.
  assert.match(deltas[0] ?? "", /"delta":\{"led":"OFF","temperature":"25.5"\}/);
  assert.match(deltas[1] ?? "", /"delta":\{"temperature":"25.5"\}/);
});

/** The recorded link's frames of one direction. */
function frames(name: string, direction: "edge->cloud" | "cloud->edge"): Message[] {
  const text = readFileSync(new URL(`../../../../fixtures/link/${name}`, import.meta.url), "utf8");
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { dir: string; msg?: Message })
    .flatMap(({ dir, msg }) => (dir === direction && msg ? [msg] : []));
}

/** Hands the cloud's frames to the module that EdgeHub gives them to. */
async function fromRecordedCloud(world: TwinWorld, name: string): Promise<void> {
  for (const message of frames(name, "cloud->edge")) {
    if (message.route.group === "twin") await world.twin.handle(message);
    else await world.meta.handle(message);
    await world.clock.advance(0);
  }
}

/** What waits for the cloud, taken as if the cloud had answered. */
async function takeReports(world: TwinWorld): Promise<{ resource: string; content: JsonValue }[]> {
  const entries = world.outbox();
  await world.meta.transaction((transaction) => world.taken(transaction));
  return entries.map(({ resource, content }) => ({ resource, content }));
}

const twinOf = (content: JsonValue): JsonObject => {
  const twin = isJsonObject(content) ? content["twin"] : undefined;
  return isJsonObject(twin) ? twin : {};
};

test("replayed against a recorded cloud, DeviceTwin reports what KubeEdge reported", async () => {
  await using world = await TwinWorld.start();
  await fromRecordedCloud(world, "12-device-create.jsonl");
  await fromRecordedCloud(world, "13-device-desired-update.jsonl");
  await takeReports(world);
  const recorded = frames("14-twin-update-from-edge.jsonl", "edge->cloud").filter(
    ({ route }) => route.source === "twin" && route.operation === "update",
  );
  const updates = recording("device-topics.txt").filter(({ topic }) => topic.endsWith("thermo-1/twin/update"));
  assert.equal(recorded.length, updates.length);
  for (const [index, { topic, payload }] of updates.entries()) {
    await world.bus.send(topic, payload);
    const reports = await takeReports(world);
    const theirs = recorded[index];
    assert.deepEqual(new Set(reports.map(({ resource }) => resource)), new Set([theirs?.route.resource]));
    // Where KubeEdge errs: the desired values of the Device never got into its twin, so it has no `expected`.
    const ours = Object.assign({}, ...reports.map(({ content }) => twinOf(content))) as JsonObject;
    for (const property of Object.values(ours)) {
      assert.ok(isJsonObject(property) && isJsonObject(property["expected"]));
      delete property["expected"];
      delete property["expected_version"];
    }
    assert.equal(normalised(JSON.stringify(sorted(ours))), normalised(JSON.stringify(twinOf(theirs?.content ?? null))));
  }
});

test("replayed against a recorded cloud, a state is reported as KubeEdge reported it", async () => {
  await using world = await TwinWorld.start();
  await fromRecordedCloud(world, "12-device-create.jsonl");
  await takeReports(world);
  await world.bus.send("$hw/events/device/default/thermo-1/state/update", { state: "online" });
  const [ours] = await takeReports(world);
  const [theirs] = frames("15-device-state-from-edge.jsonl", "edge->cloud").filter(
    ({ route }) => route.source === "twin",
  );
  assert.equal(ours?.resource, theirs?.route.resource);
  const blank = (content: JsonValue | undefined): string =>
    normalised(String(content)).replace(/("event_id":|"lastOnlineTime":)"[^"]*"/g, "$1");
  assert.equal(blank(ours?.content), blank(theirs?.content));
});

test("replayed against a recorded cloud, a deleted device is gone", async () => {
  await using world = await TwinWorld.start();
  await fromRecordedCloud(world, "12-device-create.jsonl");
  assert.equal(world.meta.list("device").length, 1);
  await fromRecordedCloud(world, "20-device-delete.jsonl");
  world.bus.take();
  await world.bus.send("$hw/events/node/edge-node-1/membership/get", { event_id: "m" });
  assert.deepEqual(world.bus.take()[0]?.document["devices"], []);
});

function sorted(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));
}
