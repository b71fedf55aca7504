import assert from "node:assert/strict";
import { test } from "node:test";
import { isApiError } from "@skerry/kube";
import { errorStatusOf, type Message, objectOf } from "@skerry/link";
import { SqliteDatabase } from "@skerry/store/platform";
import { metaManagerMigrations } from "../metamanager/migrations.ts";
import { parseKey } from "../metamanager/object-key.ts";
import { EdgeWorld } from "../metamanager/testing/edge-world.ts";
import { type RecordedPhase, recordedPhases } from "./testing/recording.ts";

/** Messages that other modules of the edge send; MetaManager and EdgeHub have no part in them. */
const OTHER_SENDERS: ReadonlySet<string> = new Set(["twin", "bus"]);
/** Kinds whose query leaves a copy in the store; the others are calls. */
const STORED_TYPES: ReadonlySet<string> = new Set(["configmap", "secret"]);

/** Plays the recorded cloud, and has the edge ask what the recorded edge asked. */
class Replay {
  readonly world: EdgeWorld;
  readonly counts = { acknowledged: 0, fetched: 0, called: 0, delivered: 0 };
  readonly #answers = new Map<string, Message>();

  constructor(world: EdgeWorld, phases: readonly RecordedPhase[]) {
    this.world = world;
    for (const { lines } of phases)
      for (const line of lines) {
        if (line.kind !== "down" && line.kind !== "up") continue;
        const parent = line.message.header.parent_msg_id;
        if (parent && !this.#answers.has(parent)) this.#answers.set(parent, line.message);
      }
  }

  async play(phase: RecordedPhase): Promise<void> {
    for (const line of phase.lines) {
      switch (line.kind) {
        case "closed":
        case "opened":
          await this.#reconnect();
          break;
        case "down":
          if (!line.message.header.parent_msg_id) await this.#deliver(line.message);
          break;
        case "up":
          await this.#ask(line.message);
          break;
      }
    }
  }

  async #reconnect(): Promise<void> {
    this.world.cloud.connection.drop();
    await this.world.clock.advance(30_000);
    assert.equal(this.world.hub.state.kind, "connected");
  }

  /** An object of the recorded cloud: it is stored as it says, then acknowledged as the recorded edge did. */
  async #deliver(message: Message): Promise<void> {
    const { world } = this;
    world.cloud.connection.deliver(message);
    await world.clock.advance(0);
    if (message.route.group !== "resource") return;
    const mine = world.cloud.connection.received.filter(({ header }) => header.parent_msg_id === message.header.msg_id);
    assert.equal(mine.length, 1, `one answer to ${describe(message)}`);
    const recorded = this.#answers.get(message.header.msg_id);
    // The recorded link was cut before some acknowledgements.
    if (recorded) assert.deepEqual(shapeOf(mine[0]), shapeOf(recorded), describe(message));
    this.counts.acknowledged++;
    this.#checkStored(message);
  }

  #checkStored(message: Message): void {
    const key = parseKey(message.route.resource ?? "");
    const object = objectOf(message.content);
    assert.ok(key && object, describe(message));
    const stored = this.world.meta.get(key);
    if (message.route.operation === "delete") {
      assert.notEqual(stored?.metadata.uid, object.metadata.uid, describe(message));
      return;
    }
    assert.equal(stored?.metadata.uid, object.metadata.uid, describe(message));
    if (stored?.metadata.resourceVersion === object.metadata.resourceVersion) assert.deepEqual(stored, object);
    else assert.ok(Number(stored?.metadata.resourceVersion) > Number(object.metadata.resourceVersion));
  }

  /** What the recorded edge asked, asked by this edge, and answered as recorded. */
  async #ask(recorded: Message): Promise<void> {
    const { source = "", operation = "", resource = "" } = recorded.route;
    const isAnswer = recorded.header.parent_msg_id !== undefined;
    // The message of zero values that KubeEdge's edge sends while it stops (U35) is not sent.
    if (isAnswer || source === "" || OTHER_SENDERS.has(source) || operation === "keepalive") return;
    assert.equal(source, "edged", describe(recorded));
    const answer = this.#answers.get(recorded.header.msg_id);
    this.world.cloud.answer = (asked) => {
      if (asked.route.operation === "response" || !answer) return undefined;
      return { ...answer, header: { ...answer.header, parent_msg_id: asked.header.msg_id } };
    };
    const before = this.world.cloud.connection.received.length;
    const key = parseKey(resource);
    assert.ok(key, describe(recorded));
    if (operation === "query" && STORED_TYPES.has(key.type)) await this.#fetch(recorded, answer);
    else if (operation === "patch" || operation === "delete") await this.#report(recorded);
    else await this.#call(recorded, answer);
    this.world.cloud.answer = () => undefined;
    const sent = this.world.cloud.connection.received.slice(before);
    const question = sent.find((message) => message.header.parent_msg_id === undefined);
    if (question) assert.deepEqual(shapeOf(question), shapeOf(recorded), describe(recorded));
    const acknowledgements = sent.filter((message) => message.route.operation === "response");
    // KubeEdge's edge acknowledges every answer it waited for. Here only those whose sender repeats them (W6).
    const expected = question && operation === "query" && STORED_TYPES.has(key.type) ? 1 : 0;
    assert.equal(acknowledgements.length, expected, describe(recorded));
    if (expected === 1 && answer) {
      assert.deepEqual(shapeOf(acknowledgements[0]), shapeOf(this.#answers.get(answer.header.msg_id)));
    }
  }

  async #fetch(recorded: Message, answer: Message | undefined): Promise<void> {
    const key = parseKey(recorded.route.resource ?? "");
    assert.ok(key && answer);
    const fetched = await this.world.meta.fetch(key);
    assert.equal(fetched.metadata.uid, objectOf(answer.content)?.metadata.uid);
    assert.deepEqual(this.world.meta.get(key), fetched);
    this.counts.fetched++;
  }

  async #report(recorded: Message): Promise<void> {
    const { source = "", group = "", operation = "", resource = "" } = recorded.route;
    const entry = { key: `${operation} ${resource}`, source, group, operation, resource, content: recorded.content };
    const { meta } = this.world;
    await meta.transaction((transaction) => meta.outbox.put(transaction, entry));
    await this.world.clock.advance(0);
    this.counts.delivered++;
  }

  async #call(recorded: Message, answer: Message | undefined): Promise<void> {
    const { operation = "", resource = "" } = recorded.route;
    const call = this.world.meta.call({ operation, resource, content: recorded.content });
    if (!answer) {
      // Asked when the link was already dead: the session's end is the answer.
      this.world.cloud.connection.drop();
      await assert.rejects(call);
      await this.world.clock.advance(30_000);
      return;
    }
    const error = errorStatusOf(answer.content);
    if (error) await assert.rejects(call, (thrown) => isApiError(thrown, error.reason ?? ""));
    else assert.equal((await call).metadata.name, objectOf(answer.content)?.metadata.name);
    this.counts.called++;
  }
}

/** What must be equal in two messages of the same meaning: ids and times differ. */
function shapeOf(message: Message | undefined): unknown {
  return message && { route: message.route, content: message.content };
}

function describe({ header, route }: Message): string {
  return `${route.source} ${route.operation} ${route.resource} (${header.msg_id})`;
}

test("the recorded cloud is stored, asked and acknowledged as KubeEdge's edge did it", async (context) => {
  await using database = new SqliteDatabase({ path: ":memory:", migrations: metaManagerMigrations });
  await using world = new EdgeWorld(database);
  const phases = recordedPhases();
  const replay = new Replay(world, phases);
  await world.connect();
  for (const phase of phases) await context.test(phase.name, () => replay.play(phase));
  assert.deepEqual(replay.counts, { acknowledged: 89, fetched: 4, called: 96, delivered: 46 });
  const pending = world.meta.read((reader) => world.meta.outbox.pending(reader));
  assert.deepEqual(pending, [], "all reports were answered");
});

test("what the edge sends on its own has the recorded form", async () => {
  await using database = new SqliteDatabase({ path: ":memory:", migrations: metaManagerMigrations });
  await using world = new EdgeWorld(database);
  const keepalives: unknown[] = [];
  for (const { lines } of recordedPhases())
    for (const line of lines)
      if (line.kind === "up" && line.message.route.operation === "keepalive") keepalives.push(shapeOf(line.message));
  await world.connect();
  assert.equal(world.cloud.connection.keepaliveCount, 1);
  assert.ok(keepalives.length > 10);
  for (const keepalive of keepalives)
    assert.deepEqual(keepalive, shapeOf(world.cloud.connection.lastKeepalive), "wire.md 5.3");
});
