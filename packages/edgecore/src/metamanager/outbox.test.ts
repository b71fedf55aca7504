import assert from "node:assert/strict";
import { test } from "node:test";
import { isSkerryError, type JsonValue } from "@skerry/base";
import { type Message, responseTo } from "@skerry/link";
import { SqliteDatabase } from "@skerry/store/platform";
import type { OutboxEntry } from "./meta-store.ts";
import { metaManagerMigrations } from "./migrations.ts";
import { defaultOutboxLimits } from "./outbox-table.ts";
import { EdgeWorld, pod } from "./testing/edge-world.ts";

function openDatabase(): SqliteDatabase {
  return new SqliteDatabase({ path: ":memory:", migrations: metaManagerMigrations });
}

function patch(name: string, content: string): OutboxEntry {
  const resource = `default/podpatch/${name}`;
  return { key: `podpatch/default/${name}`, source: "edged", group: "meta", operation: "patch", resource, content };
}

function put(world: EdgeWorld, ...entries: OutboxEntry[]): Promise<void> {
  return world.meta.transaction((transaction) => {
    for (const entry of entries) world.meta.outbox.put(transaction, entry);
  });
}

function pendingKeys(world: EdgeWorld): string[] {
  return world.meta.read((reader) => world.meta.outbox.pending(reader)).map((entry) => entry.key);
}

const sentContents = (world: EdgeWorld): unknown[] =>
  world.cloud.connection.received.filter((message) => message.route.group === "meta").map((message) => message.content);

test("changes made offline leave in order when the link is there, only the newest of a key", async () => {
  await using database = openDatabase();
  await using world = new EdgeWorld(database);
  await put(world, patch("a", "a1"), patch("b", "b1"), patch("a", "a2"));
  await put(world, patch("c", "c1"));
  world.cloud.answer = (asked) => responseTo(world, asked, "OK");
  await world.connect();
  assert.deepEqual(sentContents(world), ["a2", "b1", "c1"]);
  assert.deepEqual(pendingKeys(world), []);
});

test("the outbox says of a key whether it waits, and of a removal whether there was anything to remove", async () => {
  await using database = openDatabase();
  await using world = new EdgeWorld(database);
  await put(world, patch("a", "a1"));
  const { outbox } = world.meta;
  const has = (key: string): boolean => world.meta.read((reader) => outbox.has(reader, key));
  const remove = (key: string): Promise<boolean> =>
    world.meta.transaction((transaction) => outbox.remove(transaction, key));
  assert.deepEqual([has("podpatch/default/a"), has("podpatch/default/b")], [true, false]);
  assert.deepEqual([await remove("podpatch/default/b"), await remove("podpatch/default/a")], [false, true]);
  assert.equal(has("podpatch/default/a"), false);
});

test("an entry stays until it is answered and is sent again by the next session", async () => {
  await using database = openDatabase();
  await using world = new EdgeWorld(database);
  await world.connect();
  await put(world, patch("a", "a1"));
  assert.deepEqual(sentContents(world), ["a1"]);
  assert.deepEqual(pendingKeys(world), ["podpatch/default/a"]);
  world.cloud.connection.drop();
  world.cloud.answer = (asked) => responseTo(world, asked, "OK");
  await world.clock.advance(3000);
  assert.deepEqual(sentContents(world), ["a1"]);
  assert.deepEqual(pendingKeys(world), []);
});

test("a newer content waits for the answer to the older one, which does not remove it", async () => {
  await using database = openDatabase();
  await using world = new EdgeWorld(database);
  await world.connect();
  await put(world, patch("a", "a1"));
  await put(world, patch("a", "a2"));
  assert.deepEqual(sentContents(world), ["a1"]);
  world.cloud.connection.deliver(responseTo(world, world.cloud.connection.received[0] as Message, "OK"));
  await world.clock.advance(0);
  assert.deepEqual(sentContents(world), ["a1", "a2"]);
  assert.deepEqual(pendingKeys(world), ["podpatch/default/a"]);
});

test("a content that was removed and put again is not removed by the answer to the first", async () => {
  await using database = openDatabase();
  await using world = new EdgeWorld(database);
  await world.connect();
  await put(world, patch("a", "a1"));
  await world.meta.transaction((transaction) => world.meta.outbox.remove(transaction, "podpatch/default/a"));
  await put(world, patch("a", "a1 again"));
  world.cloud.connection.deliver(responseTo(world, world.cloud.connection.received[0] as Message, "OK"));
  await world.clock.advance(0);
  assert.deepEqual(pendingKeys(world), ["podpatch/default/a"]);
  assert.deepEqual(sentContents(world), ["a1", "a1 again"]);
});

test("a final refusal removes the entry, a passing one is tried again with back-off, others go on meanwhile", async () => {
  await using database = openDatabase();
  await using world = new EdgeWorld(database);
  const error = (
    reason: string,
    code: number,
  ): { Object: null; Err: { ErrStatus: { reason: string; code: number } } } => ({
    Object: null,
    Err: { ErrStatus: { reason, code } },
  });
  let broken = true;
  world.cloud.answer = (asked) => {
    if (asked.content === "gone") return responseTo(world, asked, error("NotFound", 404));
    if (asked.content === "busy" && broken) return responseTo(world, asked, error("TooManyRequests", 429));
    return responseTo(world, asked, "OK");
  };
  await world.connect();
  await put(world, patch("a", "gone"), patch("b", "busy"), patch("c", "fine"));
  await world.clock.advance(0);
  assert.deepEqual(pendingKeys(world), ["podpatch/default/b"]);
  await world.clock.advance(10_000);
  const tries = sentContents(world).filter((content) => content === "busy").length;
  assert.ok(tries >= 3 && tries <= 6, `${tries} tries in 10 s`);
  broken = false;
  await world.clock.advance(60_000);
  assert.deepEqual(pendingKeys(world), []);
});

test("a change is not given up because it is forbidden once after an outage, but when it is forbidden five times", async () => {
  for (const [forbiddenTimes, refused] of [
    [4, 0],
    [5, 1],
  ] as const) {
    await using database = openDatabase();
    await using world = new EdgeWorld(database);
    const failure = (reason: string, code: number): JsonValue => ({
      Object: null,
      Err: { ErrStatus: { reason, code } },
    });
    const script = [
      ...Array.from({ length: 6 }, () => failure("ServiceUnavailable", 503)),
      ...Array.from({ length: forbiddenTimes }, () => failure("Forbidden", 403)),
    ];
    world.cloud.answer = (asked) => responseTo(world, asked, script.shift() ?? "OK");
    await world.connect();
    await put(world, patch("a", "a1"));
    await world.clock.advance(20 * 60_000);
    assert.deepEqual([script.length, pendingKeys(world), world.meta.lost.refused], [0, [], refused]);
  }
});

test("an unanswered request is sent again", async () => {
  await using database = openDatabase();
  await using world = new EdgeWorld(database);
  await world.connect();
  await put(world, patch("a", "a1"));
  await world.clock.advance(20_000);
  assert.deepEqual(sentContents(world), ["a1", "a1"]);
});

test("at most a window of entries is on its way, one per key", async () => {
  await using database = openDatabase();
  await using world = new EdgeWorld(database);
  await world.connect();
  await put(world, ...Array.from({ length: 100 }, (_, index) => patch(`p${index}`, "x")));
  assert.equal(sentContents(world).length, 16);
  world.cloud.answer = (asked) => responseTo(world, asked, "OK");
  for (const message of [...world.cloud.connection.received]) {
    world.cloud.connection.deliver(responseTo(world, message, "OK"));
  }
  await world.clock.advance(0);
  for (let turn = 0; turn < 20 && pendingKeys(world).length > 0; turn++) await world.clock.advance(100);
  assert.deepEqual(pendingKeys(world), []);
});

test("the object in an answer updates the stored one, and never brings back a deleted one", async () => {
  await using database = openDatabase();
  await using world = new EdgeWorld(database);
  await world.connect();
  await world.deliver("update", "default/pod/web", pod("web", "uid-1", "10"));
  world.cloud.answer = (asked) => {
    if (asked.route.operation !== "patch") return undefined;
    const metadata = { name: asked.route.resource?.split("/")[2] ?? "", uid: "uid-1", resourceVersion: "11" };
    return responseTo(world, asked, { Object: { metadata }, Err: null });
  };
  await put(world, patch("web", "status"), patch("gone", "status"));
  await world.clock.advance(0);
  const stored = world.meta.list("pod");
  assert.deepEqual(stored, [
    { apiVersion: "v1", kind: "Pod", metadata: { name: "web", uid: "uid-1", resourceVersion: "11" } },
  ]);
  assert.equal(world.changes.at(-1)?.object.metadata.resourceVersion, "11");
});

test("to KubeEdge's cloud events leave without an answer; beyond their limit the oldest is dropped and counted", async () => {
  await using database = openDatabase();
  await using world = new EdgeWorld(database, { outboxLimits: { ...defaultOutboxLimits, unansweredEntries: 2 } });
  const event = (name: string): OutboxEntry => ({
    key: `event/default/${name}`,
    source: "edged",
    group: "meta",
    operation: "insert",
    resource: `default/event/${name}`,
    content: name,
  });
  await put(world, event("e1"), event("e2"), event("e3"));
  assert.equal(world.meta.outbox.droppedCount, 1);
  await world.connect();
  await world.clock.advance(100);
  assert.deepEqual(sentContents(world), ["e2", "e3"]);
  assert.deepEqual(pendingKeys(world), []);
});

test("a full outbox refuses new keys but still takes newer contents", async () => {
  await using database = openDatabase();
  await using world = new EdgeWorld(database, {
    outboxLimits: { answeredEntries: 2, unansweredEntries: 2, entryBytes: 100 },
  });
  await put(world, patch("a", "a1"), patch("b", "b1"));
  await assert.rejects(put(world, patch("c", "c1")), (error) => isSkerryError(error, "META_OUTBOX_FULL"));
  await put(world, patch("a", "a2"));
  assert.deepEqual(pendingKeys(world), ["podpatch/default/a", "podpatch/default/b"]);
  await assert.rejects(put(world, patch("a", "x".repeat(200))), (error) =>
    isSkerryError(error, "META_OUTBOX_ENTRY_TOO_LARGE"),
  );
});

test("an entry put in a transaction that MetaManager does not run leaves soon after", async () => {
  await using database = openDatabase();
  await using world = new EdgeWorld(database);
  await world.connect();
  await database.transaction((transaction) => world.meta.outbox.put(transaction, patch("a", "a1")));
  await world.clock.advance(1000);
  assert.deepEqual(sentContents(world), ["a1"]);
});
