import assert from "node:assert/strict";
import { test } from "node:test";
import { digestOf, type Message, type SetReport, type SetRequest, setReportOf, setRequestMessage } from "@skerry/link";
import { SqliteDatabase } from "@skerry/store/platform";
import { metaManagerMigrations } from "./migrations.ts";
import { EdgeWorld, pod } from "./testing/edge-world.ts";

function openDatabase(): SqliteDatabase {
  return new SqliteDatabase({ path: ":memory:", migrations: metaManagerMigrations });
}

async function connected(database: SqliteDatabase, seed?: number): Promise<EdgeWorld> {
  const world = new EdgeWorld(database, undefined, undefined, seed);
  world.cloud.headers = { "skerry-delivery": "1" };
  await world.connect();
  return world;
}

async function ask(world: EdgeWorld, request: SetRequest): Promise<SetReport[]> {
  const question = setRequestMessage(world, request);
  world.cloud.connection.deliver(question);
  await world.clock.advance(0);
  return world.cloud.connection.received
    .filter(({ header }) => header.parent_msg_id === question.header.msg_id)
    .flatMap((message) => setReportOf(message) ?? []);
}

test("the node says what it has committed, of the types that it is asked about", async () => {
  await using database = openDatabase();
  await using world = await connected(database);
  await world.deliver("update", "default/pod/web", pod("web", "uid-1", "10"));
  await world.deliver("update", "default/pod/worker", pod("worker", "uid-2", "12"));
  const settings = { ...pod("settings", "uid-3", "11"), kind: "ConfigMap" };
  await world.deliver("insert", "default/configmap/settings", settings);
  const web = { type: "pod", namespace: "default", name: "web", uid: "uid-1", resourceVersion: "10" };
  const worker = { type: "pod", namespace: "default", name: "worker", uid: "uid-2", resourceVersion: "12" };
  const [digest] = await ask(world, { kind: "digest", types: ["pod", "secret"] });
  assert.ok(digest?.kind === "digest");
  assert.deepEqual(
    digest.digests,
    new Map([
      ["pod", digestOf([worker, web])],
      ["secret", digestOf([])],
    ]),
  );
  const [inventory] = await ask(world, { kind: "inventory", types: ["pod"] });
  assert.ok(inventory?.kind === "inventory");
  assert.deepEqual(inventory.entries, [web, worker]);
});

test("an answer counts what came before the question, although its commit takes a while", async () => {
  await using database = openDatabase();
  await using world = await connected(database);
  const update: Message = {
    header: { msg_id: "update", timestamp: 0, resourceversion: "10" },
    route: { source: "edgecontroller", group: "resource", operation: "update", resource: "default/pod/web" },
    content: {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "web", namespace: "default", uid: "u", resourceVersion: "10" },
    },
  };
  world.cloud.connection.deliver(update);
  const [digest] = await ask(world, { kind: "digest", types: ["pod"] });
  assert.equal(digest?.kind === "digest" && digest.digests.get("pod")?.count, 1);
});

test("after a restored backup an older version of an object is taken, and what was deleted may come back", async () => {
  await using database = openDatabase();
  await using world = await connected(database);
  await world.deliver("update", "default/pod/web", pod("web", "uid-1", "500"));
  await world.deliver("update", "default/pod/gone", pod("gone", "uid-2", "501"));
  await world.deliver("delete", "default/pod/gone", pod("gone", "uid-2", "502"));
  await ask(world, { kind: "incarnation" });
  const [digest] = await ask(world, { kind: "digest", types: ["pod"] });
  assert.equal(digest?.kind === "digest" && digest.digests.get("pod")?.highest, "0");
  await world.deliver("update", "default/pod/web", pod("web", "uid-1", "300"));
  await world.deliver("update", "default/pod/gone", pod("gone", "uid-2", "200"));
  assert.deepEqual(
    world.meta.list("pod").map(({ metadata }) => `${metadata.name} ${metadata.resourceVersion}`),
    ["gone 200", "web 300"],
  );
});

test("what the node has seen deleted counts for the highest version of its type, so that a restored backup is noticed", async () => {
  await using database = openDatabase();
  await using world = await connected(database);
  await world.deliver("update", "default/pod/web", pod("web", "uid-1", "10"));
  await world.deliver("delete", "default/pod/web", pod("web", "uid-1", "500"));
  const [digest] = await ask(world, { kind: "digest", types: ["pod", "secret"] });
  assert.ok(digest?.kind === "digest");
  assert.deepEqual(digest.digests.get("pod"), { ...digestOf([]), highest: "500" });
  assert.equal(digest.digests.get("secret")?.highest, "0");
});

test("a change has the same id however often a process sends it; another process, maybe on a restored database, gives others", async () => {
  await using database = openDatabase();
  const ids: string[][] = [];
  for (let process = 0; process < 2; process++) {
    await using world = await connected(database, process);
    if (process === 0)
      await world.meta.transaction((transaction) =>
        world.meta.outbox.put(transaction, {
          key: "podpatch/default/web",
          source: "edged",
          group: "meta",
          operation: "patch",
          resource: "default/podpatch/web",
          content: "one",
        }),
      );
    await world.clock.advance(0);
    world.cloud.connection.drop();
    await world.clock.advance(3_000);
    ids.push(
      world.cloud.connections.flatMap(({ received }) =>
        received.filter(({ route }) => route.operation === "patch").map(({ header }) => header.msg_id),
      ),
    );
  }
  const [first = [], second = []] = ids;
  assert.ok(first.length >= 2 && second.length >= 2, `sent ${first.length} and ${second.length} times`);
  assert.equal(new Set(first).size, 1);
  assert.equal(new Set([...first, ...second]).size, 2);
  assert.match(first[0] ?? "", /^outbox:[0-9a-f-]{36}:1$/);
});
