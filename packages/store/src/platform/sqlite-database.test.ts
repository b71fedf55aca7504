import assert from "node:assert/strict";
import fs, {
  closeSync,
  copyFileSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mock, test } from "node:test";
import { isSkerryError } from "@skerry/base";
import { SqliteDatabase } from "./sqlite-database.ts";

const migrations = ["CREATE TABLE item (name TEXT PRIMARY KEY, value TEXT NOT NULL)"];

test("transaction() keeps what other works of the same commit wrote when one of them throws", async () => {
  await using database = new SqliteDatabase({ path: ":memory:", migrations });
  const results = await Promise.allSettled([
    database.transaction((transaction) => transaction.run("INSERT INTO item VALUES (?, ?)", "a", "1")),
    database.transaction((transaction) => {
      transaction.run("INSERT INTO item VALUES (?, ?)", "b", "2");
      throw new Error("no");
    }),
    database.transaction((transaction) => transaction.run("INSERT INTO item VALUES (?, ?)", "c", "3")),
  ]);
  assert.deepEqual(
    results.map((result) => result.status),
    ["fulfilled", "rejected", "fulfilled"],
  );
  assert.deepEqual(
    database.read((reader) => reader.all("SELECT name FROM item ORDER BY name")).map((row) => row["name"]),
    ["a", "c"],
  );
});

test("open refuses a damaged file and a newer schema with coded errors", async () => {
  const folder = mkdtempSync(join(tmpdir(), "skerry-store-"));
  try {
    const damaged = join(folder, "damaged.db");
    writeFileSync(damaged, "this is not a database, it only looks like one from far away".repeat(20));
    assert.throws(
      () => new SqliteDatabase({ path: damaged, migrations }),
      (error) => isSkerryError(error, "STORE_DATABASE_CORRUPT"),
    );
    const newer = join(folder, "newer.db");
    await using _first = new SqliteDatabase({ path: newer, migrations: [...migrations, "CREATE TABLE more (x)"] });
    assert.throws(
      () => new SqliteDatabase({ path: newer, migrations }),
      (error) => isSkerryError(error, "STORE_DATABASE_TOO_NEW"),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("open of a file that cannot be one is a coded error too", () => {
  const folder = mkdtempSync(join(tmpdir(), "skerry-store-"));
  try {
    assert.throws(
      () => new SqliteDatabase({ path: folder, migrations }),
      (error) => isSkerryError(error, "STORE_WRITE_FAILED"),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("what does not fit on the disk fails with a code, and later writes that fit go on", async () => {
  await using database = new SqliteDatabase({ path: ":memory:", migrations });
  await database.transaction((transaction) => transaction.run("INSERT INTO item VALUES ('kept', '1')"));
  // As on a disk of 400 KiB; SQLite answers with the same SQLITE_FULL.
  database.read((reader) => reader.all("PRAGMA max_page_count = 100"));
  const insert = "INSERT INTO item VALUES (?, ?)";
  const results = await Promise.allSettled([
    database.transaction((transaction) => transaction.run(insert, "large", "x".repeat(1024 * 1024))),
    database.transaction((transaction) => transaction.run(insert, "beside", "2")),
  ]);
  assert.equal(results[0]?.status, "rejected");
  for (const result of results)
    if (result.status === "rejected") assert.ok(isSkerryError(result.reason, "STORE_DISK_FULL"), String(result.reason));
  await database.transaction((transaction) => transaction.run(insert, "later", "3"));
  const names = database.read((reader) => reader.all("SELECT name FROM item ORDER BY name")).map((row) => row["name"]);
  assert.ok(names.includes("kept") && names.includes("later") && !names.includes("large"), names.join());
  assert.equal(names.includes("beside"), results[1]?.status === "fulfilled");
});

test("only the owner can read the database's files, whatever folder they are in", async () => {
  const folder = mkdtempSync(join(tmpdir(), "skerry-store-"));
  try {
    await using database = new SqliteDatabase({ path: join(folder, "a.db"), migrations });
    await database.transaction((transaction) => transaction.run("INSERT INTO item VALUES (?, ?)", "a", "secret"));
    const modes = readdirSync(folder).map((name) => statSync(join(folder, name)).mode & 0o777);
    assert.ok(modes.length >= 2, "the database and its write-ahead log");
    for (const mode of modes) assert.equal(mode, 0o600);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("what a killed process had in its log is on the disk before anybody reads it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "skerry-store-"));
  try {
    const killed = join(folder, "killed.db");
    await using database = new SqliteDatabase({ path: killed, migrations });
    await database.transaction((transaction) => transaction.run("INSERT INTO item VALUES ('a', '1')"));
    // As the process's end leaves them: the row is in the log alone, and nobody knows whether it was synced.
    const path = join(folder, "next.db");
    for (const end of ["", "-wal"]) copyFileSync(killed + end, path + end);
    await using _next = new SqliteDatabase({ path, migrations });
    const synced = join(folder, "synced.db");
    copyFileSync(path, synced);
    await using withoutLog = new SqliteDatabase({ path: synced, migrations });
    assert.deepEqual(
      withoutLog.read((reader) => reader.all("SELECT name FROM item")).map((row) => row["name"]),
      ["a"],
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("damage that is found while the database is open is told once, and whoever asked gets its code", async () => {
  const folder = mkdtempSync(join(tmpdir(), "skerry-store-"));
  try {
    const path = join(folder, "rotting.db");
    const told: string[] = [];
    {
      await using database = new SqliteDatabase({ path, migrations });
      await database.transaction((transaction) => {
        for (let row = 0; row < 2000; row++)
          transaction.run("INSERT INTO item VALUES (?, ?)", `${row}`, "x".repeat(4000));
      });
    }
    await using database = new SqliteDatabase({ path, migrations, onDamage: ({ code }) => told.push(code) });
    // More than SQLite keeps in memory, so that it has to read it again.
    const damage = Buffer.alloc(statSync(path).size - 8192, 0x55);
    const file = openSync(path, "r+");
    writeSync(file, damage, 0, damage.length, 8192);
    closeSync(file);
    const read = (): unknown => database.read((reader) => reader.all("SELECT * FROM item"));
    for (let attempt = 0; attempt < 2; attempt++)
      assert.throws(read, (error) => isSkerryError(error, "STORE_DATABASE_CORRUPT"));
    assert.deepEqual(told, ["STORE_DATABASE_CORRUPT"]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** The kernel's syncs, which a test lets end. */
function heldSyncs(): { readonly asked: (() => void)[]; failWith(error: Error | null): void } & Disposable {
  const asked: (() => void)[] = [];
  let failure: Error | null = null;
  const mocked = mock.method(fs, "fdatasync", (_descriptor: number, done: (error: Error | null) => void) => {
    asked.push(() => done(failure));
  });
  syncBuiltinESMExports();
  return {
    asked,
    failWith: (error) => {
      failure = error;
    },
    [Symbol.dispose]() {
      mocked.mock.restore();
      syncBuiltinESMExports();
    },
  };
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

test("a commit that is synced beside is told when the log is on the disk, with all that was committed meanwhile", async () => {
  const folder = mkdtempSync(join(tmpdir(), "skerry-store-"));
  try {
    using syncs = heldSyncs();
    const database = new SqliteDatabase({ path: join(folder, "a.db"), migrations, syncsBeside: true });
    const told: string[] = [];
    const insert = async (name: string): Promise<void> => {
      await database.transaction((transaction) => transaction.run("INSERT INTO item VALUES (?, '1')", name));
      told.push(name);
    };
    const works = [insert("a")];
    await turns(3);
    works.push(insert("b"));
    await turns(3);
    works.push(insert("c"));
    await turns(3);
    assert.equal(database.read((reader) => reader.all("SELECT name FROM item")).length, 3, "committed");
    assert.deepEqual(told, []);
    syncs.asked.shift()?.();
    await turns(3);
    assert.deepEqual(told, ["a"], "the others may have come after the sync began");
    const closed = database[Symbol.asyncDispose]();
    await turns(3);
    assert.equal(syncs.asked.length, 1, "one sync for both");
    syncs.asked.shift()?.();
    await Promise.all([closed, ...works]);
    assert.deepEqual(told, ["a", "b", "c"]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("nothing is stored any more when a sync beside has failed: what follows would build on what may be missing", async () => {
  const folder = mkdtempSync(join(tmpdir(), "skerry-store-"));
  try {
    using syncs = heldSyncs();
    await using database = new SqliteDatabase({ path: join(folder, "a.db"), migrations, syncsBeside: true });
    const refused = (name: string): Promise<void> =>
      assert.rejects(
        database.transaction((transaction) => transaction.run("INSERT INTO item VALUES (?, '1')", name)),
        (error) => isSkerryError(error, "STORE_WRITE_FAILED"),
      );
    const works = [refused("a")];
    await turns(3);
    works.push(refused("b"));
    await turns(3);
    syncs.failWith(new Error("EIO"));
    syncs.asked.shift()?.();
    await turns(3);
    syncs.failWith(null);
    syncs.asked.shift()?.();
    works.push(refused("c"));
    await Promise.all(works);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
