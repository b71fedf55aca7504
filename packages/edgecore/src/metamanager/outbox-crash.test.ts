import assert from "node:assert/strict";
import { test } from "node:test";
import { type Message, responseTo } from "@skerry/link";
import { SqliteDatabase } from "@skerry/store/platform";
import fc from "fast-check";
import { metaManagerMigrations } from "./migrations.ts";
import { CrashingDatabase, type CrashPoint } from "./testing/crashing-database.ts";
import { EdgeWorld } from "./testing/edge-world.ts";

type CloudMood = "accepts" | "is busy" | "is silent" | "cuts before it takes" | "cuts after it took";

type Step =
  | { readonly kind: "put"; readonly key: string }
  | { readonly kind: "pass"; readonly ms: number }
  | { readonly kind: "mood"; readonly mood: CloudMood }
  | { readonly kind: "cut" }
  | { readonly kind: "crash"; readonly point: CrashPoint | "now" };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("put" as const), key: fc.constantFrom("a", "b", "c") }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("pass" as const), ms: fc.constantFrom(0, 1, 700, 5000, 20_000) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("mood" as const),
      mood: fc.constantFrom<CloudMood>("accepts", "is busy", "is silent", "cuts before it takes", "cuts after it took"),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("cut" as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("crash" as const),
      point: fc.constantFrom<CrashPoint | "now">("before-commit", "after-commit", "now"),
    }),
  },
);

/** One edge whose process dies and starts again on the same disk, and a cloud that remembers all it took. */
class Lives implements AsyncDisposable {
  readonly #disk = new SqliteDatabase({ path: ":memory:", migrations: metaManagerMigrations });
  readonly accepted = new Map<string, number>();
  readonly taken = new Map<string, number[]>();
  mood: CloudMood = "accepts";
  #database = new CrashingDatabase(this.#disk);
  #world = new EdgeWorld(this.#database);
  #value = 0;

  async start(): Promise<void> {
    const world = this.#world;
    world.cloud.answer = (asked) => (world === this.#world ? this.#take(world, asked) : undefined);
    await world.connect();
  }

  async take(next: Step): Promise<void> {
    switch (next.kind) {
      case "put":
        this.#put(next.key);
        break;
      case "pass":
        await this.#world.clock.advance(next.ms);
        break;
      case "mood":
        this.mood = next.mood;
        break;
      case "cut":
        this.#world.cloud.connections.at(-1)?.drop();
        break;
      case "crash":
        if (next.point === "now") this.#database.crash();
        else this.#database.crashAt(next.point);
        break;
    }
    if (this.#database.crashed) await this.#restart();
  }

  /** The faults stop; everything that was accepted must have arrived within two minutes. */
  async calmDown(): Promise<void> {
    this.mood = "accepts";
    if (this.#database.crashed) await this.#restart();
    for (let round = 0; round < 24; round++) {
      await this.#world.clock.advance(5000);
      if (this.#database.crashed) await this.#restart();
    }
  }

  pendingCount(): number {
    return this.#disk.read((reader) => this.#world.meta.outbox.pending(reader)).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#world[Symbol.asyncDispose]();
    await this.#disk[Symbol.asyncDispose]();
  }

  #put(key: string): void {
    const value = ++this.#value;
    const resource = `default/podpatch/${key}`;
    const entry = { key, source: "edged", group: "meta", operation: "patch", resource, content: value };
    const { meta } = this.#world;
    void meta
      .transaction((transaction) => meta.outbox.put(transaction, entry))
      .then(() => this.accepted.set(key, Math.max(value, this.accepted.get(key) ?? 0)));
  }

  #take(world: EdgeWorld, asked: Message): Message | undefined {
    if (asked.route.operation !== "patch" || this.#database.crashed) return undefined;
    const { mood } = this;
    const { connection } = world.cloud;
    if (mood === "cuts before it takes") {
      world.clock.setTimer(0, () => connection.drop());
      return undefined;
    }
    const key = asked.route.resource?.split("/")[2] ?? "";
    const busy = { Object: null, Err: { ErrStatus: { reason: "TooManyRequests", code: 429 } } };
    if (mood === "is busy") return responseTo(world, asked, busy);
    this.taken.set(key, [...(this.taken.get(key) ?? []), Number(asked.content)]);
    if (mood === "cuts after it took") world.clock.setTimer(0, () => connection.drop());
    return mood === "accepts" ? responseTo(world, asked, "OK") : undefined;
  }

  async #restart(): Promise<void> {
    // The dead process's world is left as it is: its database and its connection are silent.
    await this.#world.clock.advance(0);
    this.#database = new CrashingDatabase(this.#disk);
    this.#world = new EdgeWorld(this.#database);
    await this.start();
  }
}

test("whatever crashes and cuts there are, nothing accepted is lost and no key goes back", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
      await using lives = new Lives();
      await lives.start();
      for (const next of steps) await lives.take(next);
      await lives.calmDown();
      for (const [key, value] of lives.accepted) {
        const last = lives.taken.get(key)?.at(-1) ?? 0;
        assert.ok(last >= value, `${key}: ${value} was accepted, the cloud has ${last}`);
      }
      for (const [key, values] of lives.taken) {
        const sorted = values.toSorted((left, right) => left - right);
        assert.deepEqual(values, sorted, `${key} never goes back`);
      }
      assert.equal(lives.pendingCount(), 0);
    }),
    { numRuns: 100 },
  );
});
