import assert from "node:assert/strict";
import { test } from "node:test";
import { type JsonValue, silentLogger } from "@skerry/base";
import { ManualClock, SeededRandom } from "@skerry/base/testing";
import { DELIVERY_HEADER, type Message, readTelemetryRequest, responseTo, samplesOf } from "@skerry/link";
import { SqliteDatabase } from "@skerry/store/platform";
import { EdgeHub } from "../edgehub/index.ts";
import { FakeCloud } from "../edgehub/testing/fake-cloud.ts";
import { telemetryMigrations } from "./migrations.ts";
import { SampleRing } from "./sample-ring.ts";
import { TelemetryUplink } from "./telemetry-uplink.ts";

/** A ring with its uplink, and a cloud that keeps what it is sent. */
class UplinkWorld implements AsyncDisposable {
  readonly clock: ManualClock = new ManualClock();
  readonly cloud: FakeCloud = new FakeCloud();
  ring: SampleRing;
  uplink: TelemetryUplink;
  /** By stream: what was stored, as `sequence:value`. */
  readonly stored = new Map<string, string[]>();
  readonly cursors = new Map<string, number>();
  /** What becomes of the next messages: stored and answered, stored but the answer is lost, or refused. */
  behaviour: "answer" | "silent" | "refuse" = "answer";
  readonly #database: SqliteDatabase = new SqliteDatabase({ path: ":memory:", migrations: telemetryMigrations });
  readonly #hub: EdgeHub;
  readonly #random = new SeededRandom();
  readonly #ports = { clock: this.clock, random: this.#random, logger: silentLogger };

  constructor() {
    this.cloud.headers = { [DELIVERY_HEADER]: "1" };
    this.cloud.answer = (message) => this.#answer(message);
    this.#hub = new EdgeHub(
      { ...this.#ports, dialer: this.cloud },
      { nodeName: "edge-1", projectId: "p", servers: ["192.0.2.1:10000"] },
    );
    [this.ring, this.uplink] = this.#process();
  }

  /** EdgeCore starts again, on the same database. */
  async restart(): Promise<void> {
    await this.uplink[Symbol.asyncDispose]();
    this.cloud.connection.drop();
    [this.ring, this.uplink] = this.#process();
    await this.ring.start();
    this.uplink.start();
  }

  #process(): [SampleRing, TelemetryUplink] {
    const ring = new SampleRing({ ...this.#ports, database: this.#database });
    return [ring, new TelemetryUplink({ ...this.#ports, ring, cloudLink: this.#hub })];
  }

  async start(): Promise<void> {
    await this.ring.start();
    this.uplink.start();
    await this.#hub.start();
    await this.clock.advance(1_000);
  }

  async record(...values: string[]): Promise<void> {
    for (const value of values)
      await this.ring.record([{ deviceId: "default/a", property: "t", value, timestampMs: this.clock.now() }]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.uplink[Symbol.asyncDispose]();
    await this.#hub[Symbol.asyncDispose]();
    await this.#database[Symbol.asyncDispose]();
  }

  /** As CloudCore answers. */
  #answer(message: Message): Message | undefined {
    const request = readTelemetryRequest(message);
    if (request === undefined) return undefined;
    if (this.behaviour === "refuse") return this.#reply(message, { ErrStatus: { code: 503, message: "no disk" } });
    const cursor = this.cursors.get(request.stream) ?? 0;
    if (request.kind === "query") return this.#reply(message, { cursor });
    const { base, after = 0, afterStream = request.stream } = request;
    const isThere = cursor >= after || (after <= base && (this.cursors.get(afterStream) ?? 0) >= after);
    if (!isThere) return this.#reply(message, { cursor });
    const fresh = request.blocks
      .flatMap((block) => samplesOf(request.stream, block))
      .filter(({ sequence }) => sequence > cursor);
    const stored = this.stored.get(request.stream) ?? [];
    this.stored.set(request.stream, [...stored, ...fresh.map(({ sequence, value }) => `${sequence}:${value}`)]);
    this.cursors.set(request.stream, fresh.at(-1)?.sequence ?? cursor);
    return this.behaviour === "silent"
      ? undefined
      : this.#reply(message, { cursor: this.cursors.get(request.stream) ?? 0 });
  }

  #reply(message: Message, content: JsonValue): Message {
    return responseTo({ clock: this.clock, random: this.#random }, message, content);
  }
}

test("samples reach the cloud in their order, those recorded before the link too", async () => {
  await using world = new UplinkWorld();
  await world.ring.start();
  await world.record("a", "b");
  await world.start();
  await world.record("c");
  await world.clock.advance(1_000);
  assert.deepEqual(world.stored.get(world.ring.stream), ["1:a", "2:b", "3:c"]);
  assert.equal(world.uplink.sentCount, 3);
});

test("nothing is sent to a cloud that does not speak Skerry's delivery", async () => {
  await using world = new UplinkWorld();
  world.cloud.headers = {};
  await world.start();
  await world.record("a");
  await world.clock.advance(60_000);
  assert.deepEqual(
    world.cloud.connection.received.filter(({ route }) => route.source === "telemetry"),
    [],
  );
});

test("what was stored while the answer was lost is not stored twice", async () => {
  await using world = new UplinkWorld();
  await world.start();
  world.behaviour = "silent";
  await world.record("a", "b");
  await world.clock.advance(1_000);
  world.cloud.connection.drop();
  await world.clock.advance(0);
  await world.record("c");
  world.behaviour = "answer";
  await world.clock.advance(30_000);
  assert.deepEqual(world.stored.get(world.ring.stream), ["1:a", "2:b", "3:c"]);
});

test("samples wait at the edge while the cloud refuses them", async () => {
  await using world = new UplinkWorld();
  await world.start();
  world.behaviour = "refuse";
  await world.record("a");
  await world.clock.advance(10_000);
  assert.equal(world.stored.size, 0);
  world.behaviour = "answer";
  await world.clock.advance(120_000);
  assert.deepEqual(world.stored.get(world.ring.stream), ["1:a"]);
});

test("samples that one cloud has refused for long go to the next one as soon as it is connected", async () => {
  await using world = new UplinkWorld();
  await world.start();
  world.behaviour = "refuse";
  await world.record("a");
  await world.clock.advance(300_000); // By now a minute passes between tries.
  world.behaviour = "answer";
  world.cloud.connection.drop();
  await world.clock.advance(5_000);
  assert.deepEqual(world.stored.get(world.ring.stream), ["1:a"]);
});

test("a cloud that lost its database gets again what the ring still holds", async () => {
  await using world = new UplinkWorld();
  await world.start();
  await world.record("a", "b");
  await world.clock.advance(2_000);
  world.stored.clear();
  world.cursors.clear();
  world.cloud.connection.drop();
  await world.clock.advance(10_000);
  assert.deepEqual(world.stored.get(world.ring.stream), ["1:a", "2:b"]);
});

test("samples recorded on a ring that was put back from a copy are not taken for those that the cloud has", async () => {
  await using world = new UplinkWorld();
  await world.start();
  await world.record("a");
  const { stream } = world.ring;
  await world.clock.advance(2_000);
  // After the copy was made two more were recorded and sent.
  world.cursors.set(stream, 3);
  await world.restart();
  // As many and more before the link is there: by their sequences alone they would count as stored.
  await world.record("b", "c", "d");
  await world.clock.advance(10_000);
  assert.deepEqual(world.stored.get(stream), ["1:a"]);
  assert.deepEqual(world.stored.get(world.ring.stream), ["2:b", "3:c", "4:d"]);
});

test("what an earlier process could not send goes first, under its own stream", async () => {
  await using world = new UplinkWorld();
  await world.start();
  await world.record("a");
  const { stream } = world.ring;
  await world.clock.advance(2_000);
  world.behaviour = "refuse";
  await world.record("b");
  await world.restart();
  await world.record("c");
  world.behaviour = "answer";
  await world.clock.advance(120_000);
  assert.deepEqual(
    [...world.stored],
    [
      [stream, ["1:a", "2:b"]],
      [world.ring.stream, ["3:c"]],
    ],
  );
});

test("a cloud that lost its database gets again what the ring still holds of each stream", async () => {
  await using world = new UplinkWorld();
  await world.start();
  await world.record("a");
  const { stream } = world.ring;
  await world.restart();
  await world.clock.advance(10_000);
  await world.record("b");
  await world.clock.advance(10_000);
  world.stored.clear();
  world.cursors.clear();
  world.cloud.connection.drop();
  await world.clock.advance(10_000);
  assert.deepEqual(
    [...world.stored],
    [
      [stream, ["1:a"]],
      [world.ring.stream, ["2:b"]],
    ],
  );
});

test("a cloud whose samples were put back from a backup while the link stays up gets them again, in order", async () => {
  await using world = new UplinkWorld();
  await world.start();
  await world.record("a", "b", "c");
  await world.clock.advance(2_000);
  const { stream } = world.ring;
  world.stored.set(stream, ["1:a"]);
  world.cursors.set(stream, 1);
  await world.record("d");
  await world.clock.advance(10_000);
  assert.deepEqual(world.stored.get(stream), ["1:a", "2:b", "3:c", "4:d"]);
});

test("a cloud that has lost the stream before gets it again with the first sample of the next, although it has others", async () => {
  await using world = new UplinkWorld();
  await world.start();
  await world.record("a");
  await world.clock.advance(2_000);
  const { stream } = world.ring;
  await world.restart();
  await world.clock.advance(10_000);
  world.cursors.set("of a ring that was put back from a copy", 9);
  world.stored.delete(stream);
  world.cursors.delete(stream);
  await world.record("b");
  await world.clock.advance(10_000);
  assert.deepEqual(
    [...world.stored],
    [
      [stream, ["1:a"]],
      [world.ring.stream, ["2:b"]],
    ],
  );
});

test("a machine that was set back to a picture of it with all its processes begins a new stream, so that no sample passes for another", async () => {
  await using world = new UplinkWorld();
  await world.ring.start();
  await world.record("a");
  const before = world.ring.stream;
  world.cursors.set(before, 5);
  await world.start();
  await world.record("b");
  await world.clock.advance(2_000);
  assert.notEqual(world.ring.stream, before);
  assert.deepEqual([...world.stored], [[world.ring.stream, ["2:b"]]]);
});
