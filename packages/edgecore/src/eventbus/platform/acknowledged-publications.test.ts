import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import type { MqttClient } from "mqtt";
import type { MqttSession } from "../mqtt-connector.ts";
import { TestBroker } from "../testing/aedes-broker.ts";
import { AcknowledgedPublications } from "./acknowledged-publications.ts";
import { MqttJsConnector } from "./mqtt-js-connector.ts";

function connect(broker: TestBroker): Promise<MqttSession> {
  const connector = new MqttJsConnector({ address: broker.address, subscriberId: "sub", publisherId: "pub" });
  const handlers = { onMessage: () => Promise.resolve(), onClose: () => undefined };
  return connector.connect(["unused"], handlers, new AbortController().signal);
}

test("publications of any length arrive whole and in their order, more of them than there are packet ids", async () => {
  await using broker = await TestBroker.start();
  await using session = await connect(broker);
  const client = await broker.client();
  const [received, allCame] = [[] as string[], Promise.withResolvers<void>()];
  // 127 and 128, 16,383 and 16,384 bytes after the head need different lengths of the length.
  const lengths = [0, 1, ...[127, 16_383, 70_000].flatMap((bytes) => [bytes - 7, bytes - 6, bytes - 5])];
  const expected = lengths.map((length) => "\u00e4".padEnd(length, "x").slice(0, length));
  client.on("message", (_topic, payload) => {
    received.push(payload.toString("utf8"));
    if (received.length === expected.length) allCame.resolve();
  });
  await client.subscribeAsync("a/b", { qos: 1 });
  await Promise.all(expected.map((payload) => session.publish("a/b", payload)));
  await allCame.promise;
  assert.deepEqual(received, expected);
  const rounds = 70;
  for (let round = 0; round < rounds; round++)
    await Promise.all(Array.from({ length: 1_000 }, () => session.publish("c", "")));
  await client.endAsync();
});

test("a publication without an acknowledgement is rejected when the connection ends, and so is one after it", async () => {
  const client = Object.assign(new EventEmitter(), { connected: true, stream: { write: () => true } });
  const publications = new AcknowledgedPublications(client as unknown as MqttClient);
  const cutOff = publications.publish("a", "x");
  publications.flush();
  client.connected = false;
  client.emit("close");
  await assert.rejects(cutOff, /has ended/);
  await assert.rejects(publications.publish("a", "y"), /not connected/);
});
