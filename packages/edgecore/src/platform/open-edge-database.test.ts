import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { isSkerryError, silentLogger } from "@skerry/base";
import { createLogger } from "@skerry/base/platform";
import { ManualClock } from "@skerry/base/testing";
import { SqliteDatabase } from "@skerry/store/platform";
import { edgeDatabaseMigrations } from "../edge-database.ts";
import { formatKey } from "../metamanager/object-key.ts";
import { readObject } from "../metamanager/object-table.ts";
import { openEdgeDatabase } from "./open-edge-database.ts";

const insert = "INSERT INTO meta (key, type, value) VALUES (?, 'pod', ?)";

function scratchDatabase(context: TestContext): { readonly folder: string; readonly path: string } {
  const folder = mkdtempSync(join(tmpdir(), "skerry-edge-database-"));
  context.after(() => rmSync(folder, { recursive: true }));
  return { folder, path: join(folder, "edgecore.db") };
}

/** A database with rows on many pages, closed, so that all is in its one file. */
async function filledDatabase(path: string): Promise<void> {
  await using database = new SqliteDatabase({ path, migrations: edgeDatabaseMigrations });
  await database.transaction((transaction) => {
    for (let row = 0; row < 100; row++) transaction.run(insert, `default/pod/app-${row}`, "x".repeat(2000));
  });
}

/** The folders with what was moved aside. */
function movedAside(folder: string): string[] {
  return readdirSync(folder).filter((name) => name.startsWith("edgecore.db.damaged-"));
}

const damages: Readonly<Record<string, (content: Buffer) => Buffer>> = {
  "overwritten from its start": (content) => content.fill(0x55, 0, 8192),
  "overwritten in its middle": (content) => content.fill(0x55, content.length / 2, content.length / 2 + 8192),
  "cut off": (content) => content.subarray(0, content.length / 2),
  "replaced by something else": () => Buffer.from("this is no database, however long one looks at it ".repeat(100)),
};

for (const [damage, apply] of Object.entries(damages))
  test(`a database that is ${damage} is moved aside, told, and an empty one is used`, async (context) => {
    const { folder, path } = scratchDatabase(context);
    await filledDatabase(path);
    const damaged = apply(readFileSync(path));
    writeFileSync(path, damaged);
    const lines: string[] = [];
    const clock = new ManualClock();
    const logger = createLogger({ clock, format: "json", write: (line) => lines.push(line) });
    {
      await using database = openEdgeDatabase(path, clock, logger);
      assert.deepEqual(
        database.read((reader) => reader.all("SELECT key FROM meta")),
        [],
      );
      await database.transaction((transaction) => transaction.run(insert, "default/pod/new", "y"));
    }
    const [aside = "", ...more] = movedAside(folder);
    assert.deepEqual(more, []);
    assert.equal(statSync(join(folder, aside)).mode & 0o777, 0o700);
    assert.deepEqual(readFileSync(join(folder, aside, "edgecore.db")), damaged);
    assert.match(lines.join("\n"), /STORE_DATABASE_CORRUPT.*damaged-/);
    await using again = openEdgeDatabase(path, clock, silentLogger);
    assert.equal(again.read((reader) => reader.all("SELECT key FROM meta")).length, 1);
    assert.equal(movedAside(folder).length, 1);
  });

test("of the databases moved aside, the newest three are kept", async (context) => {
  const { folder, path } = scratchDatabase(context);
  const clock = new ManualClock();
  for (let round = 0; round < 5; round++) {
    await clock.advance(1000);
    writeFileSync(path, `damage ${round} `.repeat(500));
    await openEdgeDatabase(path, clock, silentLogger)[Symbol.asyncDispose]();
  }
  const kept = movedAside(folder)
    .sort()
    .map((name) => readFileSync(join(folder, name, "edgecore.db"), "utf8").slice(0, 8));
  assert.deepEqual(kept, ["damage 2", "damage 3", "damage 4"]);
});

test("a database of a newer EdgeCore is not moved aside", async (context) => {
  const { folder, path } = scratchDatabase(context);
  const migrations = [...edgeDatabaseMigrations, "CREATE TABLE later (x)"];
  await new SqliteDatabase({ path, migrations })[Symbol.asyncDispose]();
  assert.throws(
    () => openEdgeDatabase(path, new ManualClock(), silentLogger),
    (error) => isSkerryError(error, "STORE_DATABASE_TOO_NEW"),
  );
  assert.deepEqual(movedAside(folder), []);
});

test("the database of a KubeEdge is taken over: what it knew is known, and its own tables stay", async (context) => {
  const { path } = scratchDatabase(context);
  const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "app", namespace: "default", uid: "u-1" } };
  const key = { namespace: "default", type: "pod", name: "app" };
  const kubeEdge = new DatabaseSync(path);
  // As KubeEdge's gorm makes them; some of the tables have more columns.
  kubeEdge.exec(`
    CREATE TABLE meta (key text PRIMARY KEY, type text, value text);
    CREATE TABLE meta_v2 (key text PRIMARY KEY, group_version_resource text, resource_version integer, value text);
    CREATE TABLE device (id text PRIMARY KEY, name text, state text);
    CREATE TABLE device_twin (id integer PRIMARY KEY AUTOINCREMENT, deviceid text, name text, expected text);
    CREATE TABLE sub_topics (topic text PRIMARY KEY);
    INSERT INTO device (id, name) VALUES ('default/boiler', 'boiler');
  `);
  kubeEdge.prepare(insert).run(formatKey(key), JSON.stringify(pod));
  kubeEdge.close();
  await using database = openEdgeDatabase(path, new ManualClock(), silentLogger);
  assert.deepEqual(
    database.read((reader) => readObject(reader, key)),
    pod,
  );
  assert.equal(
    database.read((reader) => reader.first("SELECT name FROM device")?.["name"]),
    "boiler",
  );
});
