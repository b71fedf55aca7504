import assert from "node:assert/strict";
import { test } from "node:test";
import { type Clock, type LogFields, type Logger, SkerryError } from "@skerry/base";
import { systemClock } from "@skerry/base/platform";
import { SeededRandom } from "@skerry/base/testing";
import type { Message } from "@skerry/link";
import type { CloudLink } from "../edgehub/cloud-link.ts";
import { EventBus } from "./event-bus.ts";
import { MqttJsConnector } from "./platform/index.ts";
import { TestBroker } from "./testing/aedes-broker.ts";

const update = "$hw/events/device/default/thermo-1/twin/update";

/** Reconnects as EventBus does, without a test having to wait for it. */
const hastyClock: Clock = {
  ...systemClock,
  setTimer: (delayMs, callback) => systemClock.setTimer(delayMs / 20, callback),
};

class RecordedLink implements CloudLink {
  readonly sent: Message[] = [];
  connected = true;
  readonly state = { kind: "connected", sinceMs: 0 } as const;
  onState(): Disposable {
    return { [Symbol.dispose]() {} };
  }
  send(message: Message): void {
    if (!this.connected) throw new SkerryError({ code: "LINK_DISCONNECTED", message: "offline", advice: "none" });
    this.sent.push(message);
  }
  request(): Promise<Message> {
    return Promise.reject(new Error("not used"));
  }
}

class RecordedLogger implements Logger {
  readonly lines: { level: string; message: string; fields: LogFields | undefined }[] = [];
  readonly #waiting = new Map<string, () => void>();
  debug = (message: string, fields?: LogFields): void => this.#add("debug", message, fields);
  info = (message: string, fields?: LogFields): void => this.#add("info", message, fields);
  warn = (message: string, fields?: LogFields): void => this.#add("warn", message, fields);
  error = (message: string, fields?: LogFields): void => this.#add("error", message, fields);
  child = (): Logger => this;

  /** Resolves at the next line of that level. */
  next(level: string): Promise<void> {
    return new Promise((resolve) => this.#waiting.set(level, resolve));
  }

  #add(level: string, message: string, fields: LogFields | undefined): void {
    this.lines.push({ level, message, fields });
    this.#waiting.get(level)?.();
    this.#waiting.delete(level);
  }
}

function newBus(address: string): { bus: EventBus; link: RecordedLink; logger: RecordedLogger } {
  const link = new RecordedLink();
  const logger = new RecordedLogger();
  const bus = new EventBus({
    mqtt: new MqttJsConnector({ address, subscriberId: "edge-node-1", publisherId: "edge-node-1-pub" }),
    cloudLink: link,
    clock: hastyClock,
    random: new SeededRandom(1),
    logger,
    maximumPayloadBytes: 1000,
  });
  return { bus, link, logger };
}

const connectedOnce = (bus: EventBus): Promise<void> => new Promise((resolve) => bus.onConnected(() => resolve()));

test("a device message reaches the handler, and an answer its client", async () => {
  await using broker = await TestBroker.start();
  const { bus } = newBus(broker.address);
  await using _bus = bus;
  bus.onDeviceMessage(async (topic, payload) => bus.publish(`${topic}/result`, `got ${payload}`));
  const connected = connectedOnce(bus);
  await bus.start();
  await connected;
  const client = await broker.client();
  await client.subscribeAsync(`${update}/result`);
  const answer = Promise.withResolvers<string>();
  client.on("message", (_topic, payload) => answer.resolve(String(payload)));
  await client.publishAsync(update, "a value with spaces");
  assert.equal(await answer.promise, "got a value with spaces");
  await client.endAsync();
});

test("a message sent while EdgeCore is away arrives when it is back", async () => {
  await using broker = await TestBroker.start();
  {
    const { bus } = newBus(broker.address);
    await using _bus = bus;
    const connected = connectedOnce(bus);
    await bus.start();
    await connected;
  }
  const client = await broker.client();
  await client.publishAsync(update, "while away", { qos: 1 });
  await client.endAsync();
  const { bus } = newBus(broker.address);
  await using _bus = bus;
  const arrived = Promise.withResolvers<string>();
  bus.onDeviceMessage(async (_topic, payload) => arrived.resolve(payload));
  await bus.start();
  assert.equal(await arrived.promise, "while away");
});

test("a message is acknowledged to the broker only after it is handled: cut off before, it comes again", async () => {
  await using broker = await TestBroker.start();
  const { bus } = newBus(broker.address);
  await using _bus = bus;
  const connected = connectedOnce(bus);
  const begun = Promise.withResolvers<void>();
  const finish = Promise.withResolvers<void>();
  const again = Promise.withResolvers<void>();
  const seen: string[] = [];
  bus.onDeviceMessage(async (_topic, payload) => {
    seen.push(payload);
    if (seen.length > 1) return again.resolve();
    begun.resolve();
    await finish.promise;
  });
  await bus.start();
  await connected;
  const client = await broker.client();
  await client.publishAsync(update, "once", { qos: 1 });
  await begun.promise;
  // Enough turns at the broker that an acknowledgement, had one been sent, would have been seen.
  for (let turn = 0; turn < 5; turn++) await client.publishAsync("turn", "", { qos: 1 });
  assert.deepEqual(broker.acknowledgedBy("edge-node-1"), []);
  await broker.cut();
  finish.resolve();
  await broker.listen();
  await again.promise;
  assert.deepEqual(seen, ["once", "once"]);
});

test("what was published during an outage of the broker arrives after it", async () => {
  await using broker = await TestBroker.start();
  const { bus, logger } = newBus(broker.address);
  await using _bus = bus;
  const connected = connectedOnce(bus);
  await bus.start();
  await connected;
  const lost = logger.next("warn");
  await broker.cut();
  await lost;
  bus.publish("$hw/events/device/default/thermo-1/twin/update/delta", "turn");
  const arrived = Promise.withResolvers<string>();
  broker.onPublish(({ topic, payload }) => {
    if (topic.endsWith("/delta")) arrived.resolve(String(payload));
  });
  await broker.listen();
  assert.equal(await arrived.promise, "turn");
  assert.equal(bus.counters.publicationsDropped, 0);
});

test("a burst of requests waits at the broker while answers pile up: none is dropped", async () => {
  await using broker = await TestBroker.start();
  const { bus } = newBus(broker.address);
  await using _bus = bus;
  const connected = connectedOnce(bus);
  bus.onDeviceMessage(async (topic, payload) => {
    for (const end of ["result", "document", "delta"]) bus.publish(`${topic}/${end}`, payload);
  });
  await bus.start();
  await connected;
  const requestCount = 700; // Three times as many answers: twice what the queue holds.
  const arrived = Promise.withResolvers<void>();
  const last = new Map<string, number>();
  broker.onPublish(({ topic, payload }) => {
    if (!topic.startsWith(`${update}/`)) return;
    assert.equal(Number(payload), (last.get(topic) ?? -1) + 1, "in order");
    last.set(topic, Number(payload));
    if ([...last.values()].filter((number) => number === requestCount - 1).length === 3) arrived.resolve();
  });
  const client = await broker.client();
  for (let number = 0; number < requestCount; number++) client.publish(update, String(number));
  await arrived.promise;
  assert.equal(bus.counters.publicationsDropped, 0);
});

test("other topics go to the cloud as KubeEdge sends them, and are dropped and counted without a link", async () => {
  await using broker = await TestBroker.start();
  const { bus, link, logger } = newBus(broker.address);
  await using _bus = bus;
  const connected = connectedOnce(bus);
  await bus.start();
  await connected;
  const client = await broker.client();
  // QoS 1 in one line of messages: when the last is acknowledged, the first were handled.
  await client.publishAsync("$hw/events/upload/x", "hello cloud", { qos: 1 });
  await client.publishAsync("SYS/dis/upload_records", '{"a":1}', { qos: 1 });
  const refused = logger.next("warn");
  await client.publishAsync("a/user/b", Buffer.from([0xff, 0xfe]), { qos: 1 });
  await refused;
  link.connected = false;
  const tooLarge = logger.next("warn");
  await client.publishAsync("a/user/b", "offline", { qos: 1 });
  await client.publishAsync(update, "x".repeat(1001), { qos: 1 });
  await tooLarge;
  assert.deepEqual(
    link.sent.map(({ route, content }) => ({ ...route, content })),
    [
      { source: "bus", group: "user", operation: "upload", resource: "$hw/events/upload/x", content: "hello cloud" },
      { source: "bus", group: "user", operation: "upload", resource: "SYS/dis/upload_records", content: '{"a":1}' },
    ],
  );
  assert.deepEqual(bus.counters, { publicationsDropped: 0, uploadsSent: 2, uploadsDropped: 2, messagesRefused: 1 });
});

test("start does not wait for a broker that is not there; the log says it once, with a code", async () => {
  const broker = await TestBroker.start();
  await broker[Symbol.asyncDispose]();
  const { bus, logger } = newBus(broker.address);
  await using _bus = bus;
  const said = logger.next("warn");
  const saidAgain = logger.next("debug");
  await bus.start();
  await said;
  await saidAgain;
  const warnings = logger.lines.filter(({ level }) => level === "warn");
  assert.equal(warnings.length, 1);
  assert.match(String(warnings[0]?.fields?.["reason"]), /EVENTBUS_BROKER_UNREACHABLE.*ECONNREFUSED/);
});

test("a broker address that is none is refused with a code", () => {
  for (const address of ["", "localhost", "http://localhost", "tcp://"])
    assert.throws(() => new MqttJsConnector({ address, subscriberId: "x", publisherId: "y" }), {
      code: "EVENTBUS_BROKER_ADDRESS_INVALID",
    });
});
