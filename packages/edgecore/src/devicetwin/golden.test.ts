import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { isJsonObject, type JsonValue } from "@skerry/base";
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
