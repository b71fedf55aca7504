import assert from "node:assert/strict";
import { test } from "node:test";
import { isJsonObject, type JsonValue } from "@skerry/base";
import { settle } from "@skerry/base/testing";
import type { Database, Reader, Transaction } from "@skerry/store";
import fc from "fast-check";
import { device, model, openTwinDatabase, TwinWorld } from "./testing/twin-world.ts";

/** A process's view of a database that outlives it: after the crash nothing of it is written or answered any more. */
class CrashingDatabase implements Database {
  readonly #disk: Database;
  crashed = false;

  constructor(disk: Database) {
    this.#disk = disk;
  }

  read<T>(read: (reader: Reader) => T): T {
    return this.#disk.read(read);
  }

  transaction<T>(work: (transaction: Transaction) => T): Promise<T> {
    if (this.crashed) return new Promise<T>(() => {});
    const lost = new Error("the process has crashed");
    return this.#disk
      .transaction((transaction) => {
        if (this.crashed) throw lost; // Queued, but the crash came before the commit.
        return work(transaction);
      })
      .then(
        (result) => (this.crashed ? new Promise<T>(() => {}) : result),
        (error: unknown) => (error === lost ? new Promise<T>(() => {}) : Promise.reject(error)),
      );
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

type Step =
  | { readonly kind: "report"; readonly property: "temperature" | "led" }
  | { readonly kind: "desire"; readonly value: number }
  | { readonly kind: "cloud-reads" }
  | { readonly kind: "restart" };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant("report" as const),
    property: fc.constantFrom("temperature" as const, "led" as const),
  }),
  fc.record({ kind: fc.constant("desire" as const), value: fc.integer({ min: 1, max: 40 }) }),
  fc.constant<Step>({ kind: "cloud-reads" }),
  fc.constant<Step>({ kind: "restart" }),
);
/** A step, and after how many turns of the event loop the process crashes in it, if it does. */
const doubtfulStep = fc.record({
  step,
  crashAfterTurns: fc.option(fc.integer({ min: 0, max: 4 }), { nil: undefined }),
});

/** What each side knows of one property. */
interface Knowledge {
  accepted: string | undefined;
  /** Sent after the last accepted one, never answered: may have been taken or not. */
  readonly inDoubt: Set<string>;
}

function at(value: JsonValue | undefined, ...path: string[]): JsonValue | undefined {
  return path.reduce<JsonValue | undefined>(
    (inner, member) => (isJsonObject(inner) ? inner[member] : undefined),
    value,
  );
}

const root = "$hw/events/device/default/thermo-1";

test("whenever EdgeCore crashes: what was answered as taken reaches the cloud, and an acknowledged desired value the device", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(doubtfulStep, { maxLength: 12 }), async (steps) => {
      await using disk = openTwinDatabase();
      let database = new CrashingDatabase(disk);
      let world = await TwinWorld.start({ database });
      await world.fromCloud("insert", model);
      await world.fromCloud("insert", device());
      const cloud = new Map<string, JsonValue | undefined>();
      const actual: Record<string, Knowledge> = {
        temperature: { accepted: undefined, inDoubt: new Set() },
        led: { accepted: undefined, inDoubt: new Set() },
      };
      const desired: Knowledge = { accepted: undefined, inDoubt: new Set() };
      let version = 1_000;

      const restart = async (): Promise<void> => {
        database.crashed = true;
        database = new CrashingDatabase(disk);
        world = await TwinWorld.start({ database });
        await settle();
      };
      /** Does the work, or crashes in it; returns whether it was answered before, as anybody outside can tell. */
      const attempt = async (
        work: () => Promise<void>,
        crashAfterTurns: number | undefined,
        isAnswered: (done: boolean) => boolean = (done) => done,
      ): Promise<boolean> => {
        let done = false;
        const working = work().then(() => {
          done = true;
        });
        if (crashAfterTurns === undefined) {
          await working;
          return isAnswered(true);
        }
        for (let turn = 0; turn < crashAfterTurns; turn++) await new Promise((resolve) => setImmediate(resolve));
        const answered = isAnswered(done);
        await restart();
        return answered;
      };
      const learn = (knowledge: Knowledge, value: string, done: boolean): void => {
        if (done) {
          knowledge.accepted = value;
          knowledge.inDoubt.clear();
        } else knowledge.inDoubt.add(value);
      };
      /** The cloud takes what waits, and it leaves. */
      const cloudReads = async (): Promise<void> => {
        await world.meta.transaction((transaction) => {
          // Read where it is removed: what is put in between must not leave unread.
          for (const { key, content } of world.pending(transaction)) cloud.set(key, content);
          world.taken(transaction);
        });
      };

      for (const { step: current, crashAfterTurns } of steps) {
        version++;
        if (current.kind === "restart") await restart();
        else if (current.kind === "cloud-reads") await attempt(cloudReads, crashAfterTurns);
        else if (current.kind === "desire") {
          const value = String(current.value);
          const store = (): Promise<void> => world.store("update", device({ temperature: value }), version);
          learn(desired, value, await attempt(store, crashAfterTurns));
        } else {
          const { property } = current;
          const value = String(version);
          const { bus } = world;
          bus.take();
          const send = (): Promise<void> =>
            bus.send(`${root}/twin/update`, { twin: { [property]: { actual: { value } } } });
          const isAnswered = (): boolean =>
            bus.take().some(({ topic, document }) => topic.endsWith("/update/result") && !document["code"]);
          const knowledge = actual[property];
          if (knowledge) learn(knowledge, value, await attempt(send, crashAfterTurns, isAnswered));
        }
      }

      await restart();
      await cloudReads();
      world.bus.take();
      await world.bus.send(`${root}/twin/get`, {});
      const twin = world.bus.take().find(({ topic }) => topic.endsWith("/get/result"))?.document["twin"];
      for (const [property, { accepted, inDoubt }] of Object.entries(actual)) {
        const value = at(twin, property, "actual", "value");
        assert.ok(value === accepted || inDoubt.has(String(value)), `${property} is ${String(value)}, not ${accepted}`);
      }
      const expected = at(twin, "temperature", "expected", "value");
      assert.ok(expected === desired.accepted || desired.inDoubt.has(String(expected)), `expected ${String(expected)}`);
      for (const property of ["temperature", "led"]) {
        const reported = at(cloud.get(`twin/default/thermo-1/${property}`), "twin", property);
        for (const side of ["expected", "actual"])
          assert.deepEqual(at(reported, side), at(twin, property, side), `the cloud knows the ${side} ${property}`);
      }
    }),
    { numRuns: 60 },
  );
});
