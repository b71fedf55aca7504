import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { silentLogger } from "@skerry/base";
import { ManualClock, SeededRandom } from "@skerry/base/testing";
import { type Sample, type SampleBlock, sampleBlockJson, samplesOf, toSampleBlock } from "@skerry/link";
import type { Database, Transaction } from "@skerry/store";
import { openReadOnly, SqliteDatabase } from "@skerry/store/platform";
import { telemetryMigrations } from "./migrations.ts";
import { readSamples } from "./ring-table.ts";
import { defaultSampleRingLimits, SampleRing, type SampleRingLimits } from "./sample-ring.ts";

const random = new SeededRandom();

function openDatabase(path = ":memory:"): SqliteDatabase {
  return new SqliteDatabase({ path, migrations: telemetryMigrations });
}

async function openRing(
  database: Database,
  clock = new ManualClock(),
  limits: Partial<SampleRingLimits> = {},
): Promise<SampleRing> {
  const ring = new SampleRing(
    { database, clock, random, logger: silentLogger },
    { ...defaultSampleRingLimits, ...limits },
  );
  await ring.start();
  return ring;
}

function sample(value: string, timestampMs = 1_000, property = "t"): Sample {
  return { deviceId: "default/a", property, value, timestampMs };
}

/** Blocks of the segment that comes next. */
function blocksAfter(ring: SampleRing, sequence: number, bytes = 1_000_000): SampleBlock[] {
  const segment = ring.segmentAfter(sequence);
  return segment ? ring.blocksAfter(sequence, segment, bytes) : [];
}

function valuesAfter(ring: SampleRing, sequence: number, bytes?: number): string[] {
  return blocksAfter(ring, sequence, bytes)
    .flatMap((block) => samplesOf(ring.stream, block))
    .map(({ sequence: each, value }) => `${each}:${value}`);
}

/** A database whose transactions are told only after others have run, as where the disk is synced beside. */
class LateDatabase implements Database {
  readonly #inner: Database;
  readonly #waiting: (() => void)[] = [];

  constructor(inner: Database) {
    this.#inner = inner;
  }

  read: Database["read"] = (read) => this.#inner.read(read);

  async transaction<T>(work: (transaction: Transaction) => T): Promise<T> {
    const result = await this.#inner.transaction(work);
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return result;
  }

  get waitingCount(): number {
    return this.#waiting.length;
  }

  tellAll(): void {
    for (const tell of this.#waiting.splice(0)) tell();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#inner[Symbol.asyncDispose]();
  }
}

async function untilWaiting(database: LateDatabase, count: number): Promise<void> {
  while (database.waitingCount < count) await new Promise((resolve) => setImmediate(resolve));
}

test("a process has one stream also when transactions run before earlier ones are told", async () => {
  await using database = new LateDatabase(openDatabase());
  const ring = await openedLate(database);
  const records: Promise<void>[] = [];
  for (const [index, value] of ["a", "b", "c"].entries()) {
    records.push(ring.record([sample(value)]));
    await untilWaiting(database, index + 1);
  }
  database.tellAll();
  await Promise.all(records);
  assert.deepEqual(ring.segmentAfter(0), { stream: ring.stream, base: 0, last: 3 });
});

test("a stream that is renewed while samples are being stored stays renewed when they are told", async () => {
  await using database = new LateDatabase(openDatabase());
  const ring = await openedLate(database);
  const before = ring.record([sample("a")]);
  await untilWaiting(database, 1);
  const first = ring.stream;
  ring.renew();
  database.tellAll();
  await before;
  const after = ring.record([sample("b")]);
  await untilWaiting(database, 1);
  database.tellAll();
  await after;
  assert.notEqual(ring.stream, first);
  assert.deepEqual(ring.segmentAfter(1), { stream: ring.stream, base: 1, last: 2 });
});

async function openedLate(database: LateDatabase): Promise<SampleRing> {
  const opening = openRing(database);
  for (let isOpen = false; !isOpen; ) {
    database.tellAll();
    isOpen = await Promise.race([opening.then(() => true), new Promise<false>((r) => setImmediate(() => r(false)))]);
  }
  return opening;
}

test("samples are numbered in the order in which they came, over restarts too, in a stream for each process", async () => {
  await using database = openDatabase();
  const first = await openRing(database);
  await Promise.all([first.record([sample("a"), sample("b")]), first.record([sample("c")])]);
  await first.record([sample("d")]);
  const second = await openRing(database);
  assert.equal(second.stream, "", "who records nothing begins no stream");
  await second.record([sample("e")]);
  assert.deepEqual(second.segmentAfter(0), { stream: first.stream, base: 0, last: 4 });
  assert.deepEqual(valuesAfter(second, 0), ["1:a", "2:b", "3:c", "4:d"]);
  assert.deepEqual(second.segmentAfter(4), { stream: second.stream, base: 4, last: 5 });
  assert.deepEqual(valuesAfter(second, 4), ["5:e"]);
  assert.notEqual(second.stream, first.stream);
});

test("a ring written before streams had segments is read as one segment", async () => {
  const folder = mkdtempSync(join(tmpdir(), "ring-"));
  try {
    const path = join(folder, "telemetry.db");
    {
      await using older = new SqliteDatabase({ path, migrations: telemetryMigrations.slice(0, 1) });
      await older.transaction((transaction) => {
        transaction.run("INSERT INTO telemetry_stream VALUES (1, 'old', 3, 4, 2, 100)");
        transaction.run(
          "INSERT INTO telemetry_block VALUES (4, 2, 0, 0, 100, ?)",
          JSON.stringify(sampleBlockJson(toSampleBlock(4, [sample("a"), sample("b")]))),
        );
      });
    }
    await using database = openDatabase(path);
    const ring = await openRing(database);
    assert.deepEqual(ring.segmentAfter(0), { stream: "old", base: 3, last: 5 });
    assert.equal(ring.acknowledged, 4);
    assert.equal(ring.counters.dropped, 2);
    await ring.record([sample("c")]);
    assert.deepEqual(valuesAfter(ring, 5), ["6:c"]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("segments go with their last sample", async () => {
  await using database = openDatabase();
  for (let process = 0; process < 20; process++) {
    const ring = await openRing(database, new ManualClock(), { maximumBytes: 1_000 });
    await ring.record([sample("x".repeat(20))]);
  }
  const count = (table: string): unknown =>
    database.read((reader) => reader.first(`SELECT COUNT(*) AS count FROM ${table}`))?.["count"];
  assert.equal(count("telemetry_segment"), count("telemetry_block"));
});

test("samples that come together share one commit and one block", async () => {
  await using database = openDatabase();
  const ring = await openRing(database);
  await Promise.all(["a", "b", "c"].map((value) => ring.record([sample(value)])));
  assert.equal(blocksAfter(ring, 0).length, 1);
});

test("blocks are read from a sequence on, as many as fit and at least one", async () => {
  await using database = openDatabase();
  const ring = await openRing(database);
  for (const value of ["a", "b", "c", "d"]) await ring.record([sample(value), sample(`${value}${value}`)]);
  assert.deepEqual(valuesAfter(ring, 4, 1), ["5:c", "6:cc"]);
  assert.deepEqual(valuesAfter(ring, 5, 1), ["5:c", "6:cc"], "a block that holds the wanted sequence comes whole");
  assert.deepEqual(valuesAfter(ring, 8), []);
});

test("a full ring drops the oldest and counts those that the cloud does not have", async () => {
  await using database = openDatabase();
  const ring = await openRing(database, new ManualClock(), { maximumBytes: 1_000 });
  for (let index = 1; index <= 3; index++) await ring.record([sample(`${index}`)]);
  ring.acknowledge(2);
  while (blocksAfter(ring, 0, 1)[0]?.first !== 5) await ring.record([sample("x".repeat(20))]);
  assert.ok(ring.counters.bytes <= 1_000);
  assert.equal(ring.counters.dropped, 2, "3 and 4 were dropped unsent, 1 and 2 were not lost");
});

test("what the cloud has goes by age, what it does not have stays", async () => {
  await using database = openDatabase();
  const clock = new ManualClock();
  const ring = await openRing(database, clock, { maximumAgeMs: 1_000 });
  await ring.record([sample("old", clock.now())]);
  await ring.record([sample("unsent", clock.now())]);
  ring.acknowledge(1);
  await clock.advance(5_000);
  await ring.record([sample("new", clock.now())]);
  assert.deepEqual(valuesAfter(ring, 0), ["2:unsent", "3:new"]);
  assert.equal(ring.counters.dropped, 0);
});

test("samples beyond what may wait for a commit are refused and counted", async () => {
  await using database = openDatabase();
  const ring = await openRing(database, new ManualClock(), { maximumPending: 3 });
  await Promise.all([ring.record([sample("a"), sample("b")]), ring.record([sample("c"), sample("d"), sample("e")])]);
  assert.deepEqual(valuesAfter(ring, 0), ["1:a", "2:b", "3:c"]);
  assert.equal(ring.counters.refused, 2);
  await ring.record([sample("f")]);
  assert.equal(ring.last, 4);
});

test("a disk that takes nothing costs samples, counted, and no update", async () => {
  await using real = openDatabase();
  let broken = false;
  const database: Database = {
    read: (read) => real.read(read),
    transaction: (work) => (broken ? Promise.reject(new Error("disk full")) : real.transaction(work)),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const ring = await openRing(database);
  broken = true;
  await ring.record([sample("a"), sample("b")]);
  assert.equal(ring.counters.refused, 2);
  broken = false;
  await ring.record([sample("c")]);
  assert.deepEqual(valuesAfter(ring, 0), ["1:c"]);
});

test("a question finds the newest samples of one property in a time, also in the file of a running node", async () => {
  const folder = mkdtempSync(join(tmpdir(), "ring-"));
  try {
    const path = join(folder, "telemetry.db");
    await using database = openDatabase(path);
    const ring = await openRing(database);
    for (let index = 0; index < 200; index++)
      await ring.record([sample(`${index}`, index), sample("other", index, "p"), sample("more", index, 't","x')]);
    using file = openReadOnly(path);
    const found = file.read((reader) =>
      readSamples(reader, { deviceId: "default/a", property: "t", sinceMs: 10, untilMs: 180, limit: 3 }),
    );
    assert.deepEqual(
      found.map(({ value, sequence, stream }) => [value, sequence, stream]),
      [178, 179, 180].map((index) => [`${index}`, 3 * index + 1, ring.stream]),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});
