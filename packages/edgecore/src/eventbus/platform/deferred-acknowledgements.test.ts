import assert from "node:assert/strict";
import { test } from "node:test";
import { TestBroker } from "../testing/aedes-broker.ts";
import { MqttJsConnector } from "./mqtt-js-connector.ts";

test("messages of QoS 1 are handled together and acknowledged in their order, each when it is handled", async () => {
  await using broker = await TestBroker.start();
  const connector = new MqttJsConnector({ address: broker.address, subscriberId: "sub", publisherId: "pub" });
  const handled = new Map<string, PromiseWithResolvers<void>>();
  const allCame = Promise.withResolvers<void>();
  const topics = ["a/1", "a/2", "a/3"];
  await using _session = await connector.connect(
    ["a/+"],
    {
      onMessage: ({ topic, qos }) => {
        assert.equal(qos, 1);
        const work = Promise.withResolvers<void>();
        handled.set(topic, work);
        if (handled.size === topics.length) allCame.resolve();
        return work.promise;
      },
      onClose: (reason) => allCame.reject(new Error(reason)),
    },
    new AbortController().signal,
  );
  const client = await broker.client();
  for (const topic of topics) await client.publishAsync(topic, "x", { qos: 1 });
  await allCame.promise;
  handled.get("a/2")?.resolve();
  handled.get("a/3")?.resolve();
  assert.deepEqual(broker.acknowledgedBy("sub"), [], "the first is not handled yet");
  handled.get("a/1")?.resolve();
  await until(() => broker.acknowledgedBy("sub").length === 3);
  assert.deepEqual(broker.acknowledgedBy("sub"), topics);
  await client.endAsync();
});

test("messages that came in many pieces, and larger ones than a piece, are handled whole while none is acknowledged yet", async () => {
  await using broker = await TestBroker.start();
  const connector = new MqttJsConnector({ address: broker.address, subscriberId: "sub", publisherId: "pub" });
  const sizes = [0, 10, 200_000, 1, 70_000, 65_536, 3];
  const [seen, work, allCame] = [[] as number[], Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  await using _session = await connector.connect(
    ["a/+"],
    {
      onMessage: ({ payload }) => {
        seen.push(Buffer.from(payload).toString().length);
        if (seen.length === sizes.length) allCame.resolve();
        return work.promise;
      },
      onClose: (reason) => allCame.reject(new Error(reason)),
    },
    new AbortController().signal,
  );
  const client = await broker.client();
  await Promise.all(sizes.map((size, index) => client.publishAsync(`a/${index}`, "x".repeat(size), { qos: 1 })));
  await allCame.promise;
  assert.deepEqual(seen, sizes);
  assert.deepEqual(broker.acknowledgedBy("sub"), []);
  work.resolve();
  await until(() => broker.acknowledgedBy("sub").length === sizes.length);
  await client.endAsync();
});

test("a message that cannot be handled ends the connection and comes again on the next one", async () => {
  await using broker = await TestBroker.start();
  const connector = new MqttJsConnector({ address: broker.address, subscriberId: "sub", publisherId: "pub" });
  const closed = Promise.withResolvers<void>();
  await using _first = await connector.connect(
    ["a/+"],
    { onMessage: () => Promise.reject(new Error("no disk")), onClose: () => closed.resolve() },
    new AbortController().signal,
  );
  const client = await broker.client();
  await client.publishAsync("a/1", "x", { qos: 1 });
  await closed.promise;
  const again = Promise.withResolvers<string>();
  await using _second = await connector.connect(
    ["a/+"],
    { onMessage: async ({ topic }) => again.resolve(topic), onClose: () => undefined },
    new AbortController().signal,
  );
  assert.equal(await again.promise, "a/1");
  await client.endAsync();
});

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
