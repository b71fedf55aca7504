import assert from "node:assert/strict";
import { test } from "node:test";
import { commitTogether, migrate } from "@skerry/store";
import fc from "fast-check";
import { SeededRandom } from "../world/seeded-random.ts";
import type { SqlFile } from "../world/sql-engine.ts";
import { WasmSqlEngine } from "./wasm-sql-engine.ts";
import { wasmSqlite } from "./wasm-sqlite.ts";

const NAME = "edge.db";
const MIGRATIONS = ["CREATE TABLE item (id INTEGER PRIMARY KEY, text TEXT NOT NULL)"];
const sqlite = await wasmSqlite();

function openEngine(seed: number): WasmSqlEngine & Disposable {
  const engine = new WasmSqlEngine(sqlite, `test-${seed}`, new SeededRandom(seed));
  return Object.assign(engine, { [Symbol.dispose]: () => engine.destroy() });
}

function open(engine: WasmSqlEngine): SqlFile {
  const file = engine.open(NAME);
  migrate(file, NAME, MIGRATIONS);
  return file;
}

/** Writes a row as production does; returns whether it was told that the row is on the disk. */
function add(file: SqlFile, id: number, length: number): boolean {
  const connection = {
    path: NAME,
    access: file,
    get isTransaction() {
      return file.isTransaction;
    },
    exec: (sql: string) => file.exec(sql),
  };
  const run = (): unknown => file.run("INSERT INTO item (id, text) VALUES (?, ?)", id, "x".repeat(length));
  return commitTogether(connection, [{ run, committed: () => {}, failed: () => {} }]).length === 1;
}

function ids(file: SqlFile): number[] {
  return file.all("SELECT id FROM item ORDER BY id").map((row) => Number(row["id"]));
}

function damage(file: SqlFile): string {
  return String(Object.values(file.first("PRAGMA integrity_check") ?? {})[0]);
}

test("SQLite on a simulated disk keeps its write-ahead log, synced at each commit, as in production", () => {
  using engine = openEngine(1);
  const file = open(engine);
  assert.deepEqual(file.first("PRAGMA journal_mode"), { journal_mode: "wal" });
  assert.deepEqual(file.first("PRAGMA synchronous"), { synchronous: 2 });
  assert.ok(add(file, 1, 10));
  assert.ok(engine.disk.has(`/test-1/${NAME}-wal`));
});

test("what was committed is there after every power cut, in the middle of commits too, and nothing is damaged", () => {
  const action = fc.record({ length: fc.nat(9_000), diesAfter: fc.option(fc.nat(14)), losesPower: fc.boolean() });
  let cuts = 0;
  fc.assert(
    fc.property(fc.nat(), fc.array(action, { minLength: 1, maxLength: 30 }), (seed, actions) => {
      using engine = openEngine(seed);
      let file = open(engine);
      const committed = new Set<number>();
      for (const [index, { length, diesAfter, losesPower }] of actions.entries()) {
        if (diesAfter !== null) engine.disk.dieAfter(diesAfter);
        const isCommitted = add(file, index, length);
        if (isCommitted) committed.add(index);
        if (diesAfter !== null || losesPower) {
          cuts++;
          if (losesPower) engine.losePower();
          else engine.abandon();
          file = open(engine);
          assert.equal(damage(file), "ok");
          const found = ids(file);
          for (const id of committed) assert.ok(found.includes(id), `row ${id} was committed and is lost`);
          // A commit that nobody heard of is there whole or not at all.
          assert.ok(found.every((id) => committed.has(id) || id === index));
          if (found.includes(index)) committed.add(index);
        }
      }
    }),
  );
  assert.ok(cuts > 0);
});

test("a disk that ignores syncs loses commits: the simulated power cut is not harmless", () => {
  let lost = 0;
  for (let seed = 1; seed <= 20; seed++) {
    using engine = openEngine(seed);
    const file = open(engine);
    engine.disk.ignoresSyncs = true;
    for (let id = 1; id <= 10; id++) assert.ok(add(file, id, 500));
    engine.losePower();
    try {
      const after = engine.open(NAME);
      if (damage(after) !== "ok" || ids(after).length < 10) lost++;
    } catch {
      lost++;
    }
  }
  assert.ok(lost > 10, `${lost} of 20`);
});

test("on a full disk a commit that finds no room fails whole, and what was committed stays", () => {
  using engine = openEngine(3);
  const file = open(engine);
  assert.ok(add(file, 1, 100));
  engine.disk.isFull = true;
  assert.equal(add(file, 2, 100_000), false);
  engine.disk.isFull = false;
  assert.ok(add(file, 3, 100_000));
  assert.deepEqual(ids(file), [1, 3]);
});

test("a backup has what was committed when it was made", () => {
  using engine = openEngine(4);
  add(open(engine), 1, 100);
  assert.equal(engine.restore(NAME), false);
  engine.backUp(NAME);
  add(open(engine), 2, 100);
  engine.losePower();
  assert.equal(engine.restore(NAME), true);
  assert.deepEqual(ids(open(engine)), [1]);
});
