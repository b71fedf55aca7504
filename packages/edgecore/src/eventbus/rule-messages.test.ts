import assert from "node:assert/strict";
import { test } from "node:test";
import { isJsonObject, type JsonValue, silentLogger } from "@skerry/base";
import { ManualClock, SeededRandom } from "@skerry/base/testing";
import type { DeliveryName, Message } from "@skerry/link";
import { SqliteDatabase } from "@skerry/store/platform";
import type { CloudLink } from "../edgehub/cloud-link.ts";
import { RuleSources, ruleMigrations } from "../rules/index.ts";
import { EventBus } from "./event-bus.ts";
import { RuleMessages } from "./rule-messages.ts";
import { MemoryBroker } from "./testing/index.ts";

class World implements AsyncDisposable {
  readonly clock = new ManualClock();
  readonly broker = new MemoryBroker(this.clock);
  readonly database = new SqliteDatabase({ path: ":memory:", migrations: ruleMigrations });
  readonly sent: Message[] = [];
  delivery: DeliveryName = "skerry";
  bus: EventBus;
  rules: RuleMessages;

  constructor() {
    [this.bus, this.rules] = this.#modules();
  }

  async start(): Promise<this> {
    this.rules.start();
    await this.bus.start();
    await this.clock.advance(1_000);
    return this;
  }

  /** EdgeCore ends and starts anew; the broker keeps its session. */
  async restart(): Promise<void> {
    const ended = this.bus[Symbol.asyncDispose]();
    await this.clock.advance(1_000);
    await ended;
    [this.bus, this.rules] = this.#modules();
    await this.start();
  }

  async fromCloud(operation: string, resource: string, content: JsonValue = null): Promise<void> {
    const route = { source: "router_eventbus", group: "user", operation, resource };
    await this.rules.handle({ header: { msg_id: "m", timestamp: 0 }, route, content });
    await this.clock.advance(100);
  }

  /** A client of the broker publishes; returns what of it went to the cloud. */
  async publish(...topics: string[]): Promise<(string | undefined)[]> {
    this.sent.length = 0;
    for (const topic of topics) this.broker.publish(topic, "x");
    await this.clock.advance(100);
    return this.sent.map(({ route }) => route.resource);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = this.bus[Symbol.asyncDispose]();
    await this.clock.advance(1_000);
    await ended;
    await this.database[Symbol.asyncDispose]();
  }

  #modules(): [EventBus, RuleMessages] {
    const { clock } = this;
    const cloudLink: CloudLink = {
      state: { kind: "connected", sinceMs: 0, delivery: this.delivery },
      onState: () => ({ [Symbol.dispose]() {} }),
      send: (message) => this.sent.push(message),
      request: () => Promise.reject(new Error("not used")),
    };
    const ports = { clock, random: new SeededRandom(1), logger: silentLogger, cloudLink };
    const bus = new EventBus({ ...ports, mqtt: this.broker.connector("edge") });
    const topics = new RuleSources(this.database, "topic");
    return [bus, new RuleMessages({ ...ports, eventBus: bus, topics })];
  }
}

test("topics that rules name go to the cloud, until they are no longer named, and after restarts and outages", async () => {
  await using world = await new World().start();
  assert.deepEqual(await world.publish("plant/a/level"), []);
  await world.fromCloud("subscribe", "plant/+/level");
  assert.deepEqual(await world.publish("plant/a/level", "plant/other"), ["plant/a/level"]);
  await world.restart();
  assert.deepEqual(await world.publish("plant/a/level"), ["plant/a/level"]);
  world.broker.stop();
  await world.clock.advance(10_000);
  world.broker.restart();
  await world.clock.advance(10_000);
  assert.deepEqual(await world.publish("plant/a/level"), ["plant/a/level"]);
  await world.fromCloud("unsubscribe", "plant/+/level");
  assert.deepEqual(await world.publish("plant/a/level"), []);
});

test("a whole list takes the place of what was before; what is no topic of a rule is left out", async () => {
  await using world = await new World().start();
  await world.fromCloud("subscribe", "plant/old");
  await world.fromCloud("sources", "sources", ["plant/new", "$hw/events/device/#", "bad/#/x", 7]);
  assert.deepEqual(await world.publish("plant/old", "plant/new"), ["plant/new"]);
  await world.fromCloud("sources", "sources", []);
  assert.deepEqual(await world.publish("plant/new"), []);
});

test("a topic that was dropped while EdgeCore was away, and the broker still hands over, does not go up", async () => {
  await using world = await new World().start();
  await world.fromCloud("subscribe", "plant/old");
  await new RuleSources(world.database, "topic").replace([]);
  await world.restart();
  assert.deepEqual(await world.publish("plant/old"), []);
});

test("a message of the router is published, and the cloud told whether the broker could take it", async () => {
  await using world = await new World().start();
  const published: string[] = [];
  world.broker.onPublish(({ topic, payload }) => published.push(`${topic} ${payload}`));
  const statusOf = (): JsonValue | undefined => {
    const content = world.sent.at(-1)?.content;
    return isJsonObject(content) ? content["status_code"] : undefined;
  };
  await world.fromCloud("publish", "shop/floor", "hello");
  assert.deepEqual(published, ["shop/floor hello"]);
  assert.deepEqual([world.sent.at(-1)?.header.parent_msg_id, statusOf()], ["m", 200]);
  await world.fromCloud("publish", "shop/#", "hello");
  assert.equal(statusOf(), 400);
  world.broker.stop();
  await world.clock.advance(100);
  await world.fromCloud("publish", "shop/floor", "lost");
  assert.equal(statusOf(), 503);
});

test("KubeEdge's cloud gets no answer to a publication: it waits for none", async () => {
  const world = new World();
  world.delivery = "kubeedge";
  await world.restart();
  await using _world = world;
  await world.fromCloud("publish", "shop/floor", "hello");
  assert.deepEqual(world.sent, []);
});
