import assert from "node:assert/strict";
import { test } from "node:test";
import { WasmSqlEngine } from "../sqlite/wasm-sql-engine.ts";
import { wasmSqlite } from "../sqlite/wasm-sqlite.ts";
import { CrashPoints } from "./crash-points.ts";
import { MemorySqlEngine } from "./memory-sql-engine.ts";
import { SeededRandom } from "./seeded-random.ts";
import { SimulatedDisk } from "./simulated-disk.ts";
import { VirtualClock } from "./virtual-clock.ts";

const migrations = ["CREATE TABLE item (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT)"];

for (const phase of ["before", "during"] as const) {
  test(`SimulatedDisk answers nobody and ${phase === "before" ? "loses" : "keeps"} the work when the process dies ${phase} a commit`, async () => {
    const clock = new VirtualClock();
    const crashPoints = new CrashPoints(clock);
    const disk = new SimulatedDisk({ engine: new MemorySqlEngine(), clock, random: new SeededRandom(1), crashPoints });
    const first = await disk.open("edge.db", migrations);
    const answers: string[] = [];
    void first.transaction((tx) => tx.run("INSERT INTO item (name) VALUES ('a')")).then(() => answers.push("a"));
    await clock.advance(100);
    crashPoints.plan({ port: "database", calls: 1, phase, crash: () => disk.closeAll() });
    void first
      .transaction((tx) => tx.run("INSERT INTO item (name) VALUES ('b')"))
      .then(
        () => answers.push("b"),
        () => answers.push("b failed"),
      );
    await clock.advance(100);
    assert.deepEqual(answers, ["a"]);
    const second = await disk.open("edge.db", migrations);
    const names = second.read((reader) => reader.all("SELECT name FROM item ORDER BY name")).map((row) => row["name"]);
    assert.deepEqual(names, phase === "before" ? ["a"] : ["a", "b"]);
    disk.destroy();
  });
}

test("SimulatedDisk gives back what was there when the backup was made, identities' counter included", async () => {
  const clock = new VirtualClock();
  const crashPoints = new CrashPoints(clock);
  const disk = new SimulatedDisk({ engine: new MemorySqlEngine(), clock, random: new SeededRandom(1), crashPoints });
  const add = async (name: string): Promise<void> => {
    const database = await disk.open("edge.db", migrations);
    void database.transaction((tx) => tx.run("INSERT INTO item (name) VALUES (?)", name));
    await clock.advance(100);
  };
  await add("old");
  assert.equal(disk.restore("edge.db"), false);
  disk.backUp("edge.db");
  await add("lost");
  disk.closeAll();
  assert.equal(disk.restore("edge.db"), true);
  await add("new");
  const rows = disk.inspect("edge.db", (reader) => reader.all("SELECT id, name FROM item ORDER BY id"));
  assert.deepEqual(
    rows?.map((row) => [row["id"], row["name"]]),
    [
      [1, "old"],
      [2, "new"],
    ],
  );
  disk.destroy();
});

test("SimulatedDisk lets another version write its schema although it is full, and is full afterwards", async () => {
  const clock = new VirtualClock();
  const crashPoints = new CrashPoints(clock);
  const engine = new WasmSqlEngine(await wasmSqlite(), "full", new SeededRandom(1));
  const disk = new SimulatedDisk({ engine, clock, random: new SeededRandom(1), crashPoints });
  await disk.open("edge.db", migrations);
  disk.closeAll();
  disk.trouble = "database or disk is full";
  disk.setSchemaVersion("edge.db", 7);
  assert.deepEqual(
    disk.inspect("edge.db", (reader) => reader.first("PRAGMA user_version")),
    { user_version: 7 },
  );
  assert.equal(engine.disk.isFull, true);
  disk.destroy();
});

// Found by the simulation (seed 50350): EdgeCore did not start on a full disk, for a write that only made it faster.
test("a database that syncs beside opens on a full disk too, and takes writes when there is room", async () => {
  const clock = new VirtualClock();
  const crashPoints = new CrashPoints(clock);
  const engine = new WasmSqlEngine(await wasmSqlite(), "full-start", new SeededRandom(1));
  const disk = new SimulatedDisk({ engine, clock, random: new SeededRandom(1), crashPoints });
  await disk.open("samples.db", migrations, { syncsBeside: true });
  disk.losePower();
  disk.trouble = "database or disk is full";
  const database = await disk.open("samples.db", migrations, { syncsBeside: true });
  disk.trouble = undefined;
  const stored = database.transaction((transaction) => transaction.run("INSERT INTO item (name) VALUES ('a')"));
  await clock.advance(1_000);
  assert.equal(await stored, 1);
  disk.destroy();
});
