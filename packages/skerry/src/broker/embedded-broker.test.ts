import assert from "node:assert/strict";
import { connect as openSocket } from "node:net";
import { test } from "node:test";
import { isSkerryError, silentLogger } from "@skerry/base";
import { connect, connectAsync, type IClientOptions, type MqttClient } from "mqtt";
import { defaultBrokerLimits } from "./bounded-persistence.ts";
import { EmbeddedBroker } from "./embedded-broker.ts";

const limits = { ...defaultBrokerLimits, maximumQueuedPerClient: 3, maximumRetained: 2, maximumPayloadBytes: 100 };

function client(broker: EmbeddedBroker, options: IClientOptions = {}): Promise<MqttClient> {
  return connectAsync(`mqtt://127.0.0.1:${broker.port}`, { reconnectPeriod: 0, ...options });
}

/** Collects messages until `count` have come. */
function messages(receiver: MqttClient, count: number): Promise<string[]> {
  const seen: string[] = [];
  return new Promise((resolve) => {
    receiver.on("message", (_topic, payload) => {
      seen.push(String(payload));
      if (seen.length === count) resolve(seen);
    });
  });
}

test("the broker keeps a session's messages up to its limit, and counts what it drops", async () => {
  await using broker = await EmbeddedBroker.start({ port: 0, logger: silentLogger, limits });
  const session = { clientId: "edge-node-1", clean: false };
  const first = await client(broker, session);
  await first.subscribeAsync("a/#", { qos: 1 });
  await first.endAsync();
  const sender = await client(broker);
  for (let index = 0; index < 5; index++) await sender.publishAsync("a/b", `${index}`, { qos: 1 });
  assert.equal(broker.droppedCount, 2);
  const second = connect(`mqtt://127.0.0.1:${broker.port}`, { reconnectPeriod: 0, ...session });
  assert.deepEqual(await messages(second, 3), ["0", "1", "2"]);
});

test("what a client has received makes room for more", async () => {
  await using broker = await EmbeddedBroker.start({ port: 0, logger: silentLogger, limits });
  const receiver = await client(broker);
  await receiver.subscribeAsync("a/#", { qos: 1 });
  const received = messages(receiver, 10);
  const sender = await client(broker);
  for (let index = 0; index < 10; index++) await sender.publishAsync("a/b", `${index}`, { qos: 1 });
  assert.deepEqual(await received, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
  assert.equal(broker.droppedCount, 0);
});

test("retained messages have a limit; one that is replaced needs no room", async () => {
  await using broker = await EmbeddedBroker.start({ port: 0, logger: silentLogger, limits });
  const sender = await client(broker);
  for (const topic of ["a", "b", "c", "a"]) await sender.publishAsync(topic, topic, { qos: 1, retain: true });
  assert.equal(broker.droppedCount, 1);
  await sender.publishAsync("a", "", { qos: 1, retain: true });
  await sender.publishAsync("c", "c", { qos: 1, retain: true });
  assert.equal(broker.droppedCount, 1);
});

test("a client that sends too much at once is disconnected", async () => {
  await using broker = await EmbeddedBroker.start({ port: 0, logger: silentLogger, limits });
  const sender = await client(broker);
  const closed = new Promise<void>((resolve) => sender.once("close", () => resolve()));
  sender.publish("a", "x".repeat(101), { qos: 1 });
  await closed;
});

test("a port in use is a coded error", async () => {
  await using broker = await EmbeddedBroker.start({ port: 0, logger: silentLogger });
  await assert.rejects(EmbeddedBroker.start({ port: broker.port, logger: silentLogger }), (error) =>
    isSkerryError(error, "SKERRY_BROKER_PORT_UNUSABLE"),
  );
});

test("the broker stops although a connection is open that has never said a word", async () => {
  const broker = await EmbeddedBroker.start({ port: 0, logger: silentLogger });
  const socket = openSocket(broker.port, "127.0.0.1");
  const sender = await client(broker); // Connected later than the socket, so the broker has both.
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  await broker[Symbol.asyncDispose]();
  await closed;
  await sender.endAsync(true);
});
