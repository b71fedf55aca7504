import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { type TestContext, test } from "node:test";
import { silentLogger } from "@skerry/base";
import { systemClock, systemRandom } from "@skerry/base/platform";
import type { DriverContext, DriverSession, DriverValue } from "@skerry/mapper";
import { Aedes } from "aedes";
import driver from "./driver.ts";

function call(signal: AbortSignal = new AbortController().signal): DriverContext {
  return { deviceId: "default/d", signal, clock: systemClock, random: systemRandom, logger: silentLogger };
}

interface Broker {
  readonly url: string;
  publish(topic: string, payload: string): void;
  readonly heard: string[];
  stop(): Promise<void>;
}

async function startBroker(context: TestContext): Promise<Broker> {
  const aedes = await Aedes.createBroker();
  const server = createServer(aedes.handle);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const heard: string[] = [];
  aedes.on("publish", ({ topic, payload }, client) => {
    if (client) heard.push(`${topic} ${payload}`);
  });
  const stop = async (): Promise<void> => {
    if (!server.listening) return;
    await new Promise<void>((resolve) => aedes.close(resolve));
    await new Promise((resolve) => server.close(resolve));
  };
  context.after(stop);
  return {
    url: `mqtt://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`,
    publish: (topic, payload) =>
      aedes.publish({ cmd: "publish", topic, payload, qos: 0, retain: true, dup: false }, () => undefined),
    heard,
    stop,
  };
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 10));
}

function property(
  session: DriverSession,
  config: Record<string, string | number>,
): ReturnType<DriverSession["property"]> {
  return session.property({ name: "p", type: "float", config });
}

test("the newest message of a topic is the value, whole or at a pointer, and changes are told", async (context) => {
  const broker = await startBroker(context);
  broker.publish("room/state", '{"sensors":[{"t":21.5}]}');
  const session = await driver.open({ url: broker.url }, call());
  context.after(() => session.close());
  const temperature = property(session, { topic: "room/state", pointer: "/sensors/0/t" });
  await until(async () => (await temperature.read(call())) === 21.5);
  const seen: DriverValue[] = [];
  const stop = new AbortController();
  const plain = property(session, { topic: "room/plain" });
  assert.equal(await plain.read(call()), undefined, "nothing has been heard yet");
  await plain.subscribe?.((value) => seen.push(value), call(stop.signal));
  broker.publish("room/plain", "7");
  await until(() => seen.includes("7"));
  stop.abort();
  broker.publish("room/plain", "8");
  await until(async () => (await plain.read(call())) === "8");
  assert.deepEqual(seen, ["7"]);
  broker.publish("room/state", '{"sensors":[]}');
  await until(() =>
    temperature.read(call()).then(
      () => false,
      (error: Error) => /nothing at/.test(error.message),
    ),
  );
});

test("a value is published where the device listens", async (context) => {
  const broker = await startBroker(context);
  const session = await driver.open({ url: broker.url }, call());
  context.after(() => session.close());
  await property(session, { topic: "a", writeTopic: "room/set", writePointer: "/target", qos: 1 }).write?.(23, call());
  await property(session, { topic: "a", writeTopic: "room/set", qos: 1 }).write?.(24, call());
  await until(() => broker.heard.length === 2);
  assert.deepEqual(broker.heard, ['room/set {"target":23}', "room/set 24"]);
  await assert.rejects(async () => await property(session, { topic: "a" }).write?.(1, call()), /writeTopic/);
  await assert.rejects(property(session, { topic: "a/#" }).read(call()), /a filter/);
});

test("a broker that goes away fails what is asked next, and one that is not there the open", async (context) => {
  const broker = await startBroker(context);
  const session = await driver.open({ url: broker.url }, call());
  const access = property(session, { topic: "a" });
  await access.read(call());
  await broker.stop();
  await until(() =>
    access.read(call()).then(
      () => false,
      (error: Error) => /is gone/.test(error.message),
    ),
  );
  await session.close();
  await assert.rejects(driver.open({ url: broker.url }, call()));
});
