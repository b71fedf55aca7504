import assert from "node:assert/strict";
import { test } from "node:test";
import { isJsonObject, type JsonObject, type JsonValue, silentLogger } from "@skerry/base";
import { ManualClock, SeededRandom } from "@skerry/base/testing";
import { connectAsync, type MqttClient } from "mqtt";
import { EmbeddedBroker } from "../broker/index.ts";
import { Room } from "./room.ts";
import { Thermometer } from "./thermometer.ts";

const root = "$hw/events/device/default/thermometer";

/** Plays the edge node: sees what the thermometer sends, one message after the other. */
class Edge {
  readonly client: MqttClient;
  readonly #messages: { end: string; document: JsonObject }[] = [];
  #arrived = Promise.withResolvers<void>();

  constructor(client: MqttClient) {
    this.client = client;
    client.on("message", (topic, payload) => {
      const document = JSON.parse(String(payload)) as JsonValue;
      if (isJsonObject(document)) this.#messages.push({ end: topic.slice(root.length + 1), document });
      this.#arrived.resolve();
    });
  }

  /** The next message on that topic; others before it are passed over. */
  async next(end: string): Promise<JsonObject> {
    for (;;) {
      const message = this.#messages.shift();
      if (message?.end === end) return message.document;
      if (message) continue;
      this.#arrived = Promise.withResolvers<void>();
      await this.#arrived.promise;
    }
  }

  async say(end: string, document: JsonObject): Promise<void> {
    await this.client.publishAsync(`${root}/${end}`, JSON.stringify(document), { qos: 1 });
  }
}

function reported(update: JsonObject): Record<string, JsonValue | undefined> {
  const twin = isJsonObject(update["twin"]) ? update["twin"] : {};
  const value = (property: JsonValue | undefined): JsonValue | undefined => {
    const actual = isJsonObject(property) ? property["actual"] : undefined;
    return isJsonObject(actual) ? actual["value"] : undefined;
  };
  return Object.fromEntries(Object.entries(twin).map(([name, property]) => [name, value(property)]));
}

test("the thermometer asks for its twin, takes what is wanted, and does what the delta says", async () => {
  await using broker = await EmbeddedBroker.start({ port: 0, logger: silentLogger });
  const address = `mqtt://127.0.0.1:${broker.port}`;
  const edge = new Edge(await connectAsync(address));
  await edge.client.subscribeAsync([`${root}/twin/update`, `${root}/twin/get`, `${root}/state/update`], { qos: 1 });
  const clock = new ManualClock();
  const options = { broker: address, intervalMs: 1_000, clock, random: new SeededRandom(1), logger: silentLogger };
  await using _thermometer = new Thermometer(options);

  await edge.next("twin/get");
  await edge.say("twin/get/result", { code: 404, reason: "unknown" });
  await clock.advance(1_000);
  await edge.next("twin/get"); // Asked again: the Device may come later.
  await edge.say("twin/get/result", { twin: { target: { expected: { value: "24" }, actual: { value: "21" } } } });
  assert.equal((await edge.next("state/update"))["state"], "online");
  assert.equal(reported(await edge.next("twin/update"))["target"], "24");

  await edge.say("twin/update/delta", { delta: { target: "18.5" }, twin: {} });
  assert.deepEqual(reported(await edge.next("twin/update")), { target: "18.5" });
  await clock.advance(1_000);
  assert.match(String(reported(await edge.next("twin/update"))["temperature"]), /^\d+\.\d$/);
  await edge.client.endAsync();
});

test("a thermometer whose Device was deleted asks until there is one again", async () => {
  await using broker = await EmbeddedBroker.start({ port: 0, logger: silentLogger });
  const address = `mqtt://127.0.0.1:${broker.port}`;
  const edge = new Edge(await connectAsync(address));
  await edge.client.subscribeAsync([`${root}/twin/update`, `${root}/twin/get`], { qos: 1 });
  const clock = new ManualClock();
  const options = { broker: address, intervalMs: 1_000, clock, random: new SeededRandom(1), logger: silentLogger };
  await using _thermometer = new Thermometer(options);
  await edge.next("twin/get");
  await edge.say("twin/get/result", { twin: {} });
  await edge.next("twin/update");
  await edge.say("twin/update/result", { code: 404, reason: "unknown" });
  await edge.say("twin/update/delta", { delta: { target: "7" } });
  await edge.next("twin/update"); // Its answer to the delta: it has read the 404 before it.
  await clock.advance(1_000);
  await edge.next("twin/get");
  await edge.client.endAsync();
});

test("the room follows its target slowly and stays near it", () => {
  const room = new Room(new SeededRandom(1));
  for (let second = 0; second < 600; second++) room.advance(1_000);
  assert.ok(Math.abs(Number(room.temperature) - 21) < 1.5, room.temperature);
  room.target = 28;
  room.advance(1_000);
  assert.ok(Number(room.temperature) < 23);
  for (let second = 0; second < 600; second++) room.advance(1_000);
  assert.ok(Math.abs(Number(room.temperature) - 28) < 1.5, room.temperature);
});
