import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubernetesObject } from "@skerry/api";
import { settle } from "@skerry/base/testing";
import { failureStatus } from "@skerry/kube";
import { SqliteDatabase } from "@skerry/store/platform";
import { metaServerMigrations } from "./index.ts";
import { MetaWorld } from "./testing/meta-world.ts";

const MAPS = "/api/v1/namespaces/plant/configmaps";

function open(): SqliteDatabase {
  return new SqliteDatabase({ path: ":memory:", migrations: metaServerMigrations });
}

test("reads are the cloud's own answers, and without it what was read before, with its age", async () => {
  await using database = open();
  await using world = new MetaWorld(database);
  await world.cloud.put("a", { level: "1" });
  await world.cloud.put("b");
  assert.deepEqual(await world.names(MAPS), ["a", "b"]);
  assert.equal((await world.json("GET", `${MAPS}/a`)).warning, "");
  await world.clock.advance(60_000);
  world.cloud.cut();
  const list = await world.json<{ kind: string; items: KubernetesObject[] }>("GET", MAPS);
  assert.equal(list.code, 200);
  assert.equal(list.body.kind, "ConfigMapList");
  assert.deepEqual(
    list.body.items.map(({ metadata }) => metadata.name),
    ["a", "b"],
  );
  assert.match(list.warning, /^299 - ".*stale since 2026-01-01T00:00:00/);
  const one = await world.json<KubernetesObject & { data: object }>("GET", `${MAPS}/a`);
  assert.deepEqual([one.code, one.body.data], [200, { level: "1" }]);
  assert.match(one.warning, /stale since/);
  assert.equal((await world.json("GET", `${MAPS}/missing`)).code, 404);
  const selected = await world.json<{ items: object[] }>("GET", `${MAPS}?fieldSelector=metadata.name%3Db`);
  assert.equal(selected.body.items.length, 1);
});

test("what was never asked for is not there without the cloud, and is not said to be empty", async () => {
  await using database = open();
  await using world = new MetaWorld(database);
  world.cloud.cut();
  for (const path of [MAPS, `${MAPS}/a`, "/version", `${MAPS}?watch=true`]) {
    const { code, body } = await world.json("GET", path);
    assert.deepEqual([code, body.kind, body.reason], [503, "Status", "ServiceUnavailable"], path);
  }
});

test("an object that is gone in the cloud is gone here after the next list", async () => {
  await using database = open();
  await using world = new MetaWorld(database);
  await world.cloud.put("a");
  await world.cloud.put("b");
  await world.names(MAPS);
  await world.cloud.delete("a");
  await world.names(MAPS);
  world.cloud.cut();
  assert.deepEqual(await world.names(MAPS), ["b"]);
});

test("writes go to the cloud or fail at once, and are read again afterwards", async () => {
  await using database = open();
  await using world = new MetaWorld(database);
  const body = JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "new" }, data: { a: "1" } });
  assert.equal((await world.json("POST", MAPS, body)).code, 201);
  world.cloud.cut();
  assert.equal((await world.json("GET", `${MAPS}/new`)).code, 200);
  for (const [method, path] of [
    ["POST", MAPS],
    ["PUT", `${MAPS}/new`],
    ["DELETE", `${MAPS}/new`],
  ] as const) {
    const refused = await world.json(method, path, body);
    assert.equal(refused.code, 503, method);
    assert.match(refused.body.message ?? "", /needs the cloud/);
  }
  world.cloud.restore();
  assert.equal((await world.json("DELETE", `${MAPS}/new`)).code, 200);
  world.cloud.cut();
  assert.notEqual((await world.json("GET", `${MAPS}/new`)).code, 200);
});

test("what the cloud refuses for good is refused; when it only cannot answer now, what is known here is the answer", async () => {
  await using database = open();
  await using world = new MetaWorld(database);
  await world.cloud.put("a");
  await world.names(MAPS);
  world.cloud.refuse = () => failureStatus(403, "Forbidden", "no");
  assert.equal((await world.json("GET", MAPS)).code, 403);
  assert.equal((await world.json("GET", `${MAPS}?watch=true`)).code, 403);
  for (const code of [429, 503, 504]) {
    world.cloud.refuse = () => failureStatus(code, "Busy", "later");
    assert.deepEqual(await world.names(MAPS), ["a"]);
    assert.match((await world.json("GET", `${MAPS}/a`)).warning, /stale since/);
  }
});

test("a watch brings what is there, then each change, and only changes to a client that has listed", async () => {
  await using database = open();
  await using world = new MetaWorld(database);
  await world.cloud.put("a");
  const all = await world.watch(`${MAPS}?watch=true`);
  assert.deepEqual(all.events, ["ADDED a 102"]);
  await world.names(MAPS);
  const since = await world.watch(`${MAPS}?watch=true&resourceVersion=${world.cloud.version}`);
  assert.deepEqual(since.events, []);
  await world.cloud.put("b");
  await world.cloud.put("a", { x: "1" });
  await world.cloud.delete("b");
  await settle();
  const changes = ["ADDED b 104", "MODIFIED a 105", "DELETED b 106"];
  assert.deepEqual(since.events, changes);
  assert.deepEqual(all.events, ["ADDED a 102", ...changes]);
  assert.equal(world.cloud.watchCount, 1, "the cloud has one watch for both");
  assert.ok(world.cloud.told.every((told) => told === 'response "OK"'));
  await all.close();
  await since.close();
});

test("a watch by label sees objects enter and leave it", async () => {
  await using database = open();
  await using world = new MetaWorld(database);
  await world.cloud.put("a", {}, { app: "pump" });
  const watch = await world.watch(`${MAPS}?watch=true&labelSelector=app%3Dpump`);
  await world.cloud.put("a", {}, { app: "valve" });
  await settle();
  await world.cloud.put("a", { x: "1" }, { app: "pump" });
  await settle();
  assert.deepEqual(
    watch.events.map((event) => event.replace(/ \d+$/, "")),
    ["ADDED a", "DELETED a", "ADDED a"],
  );
  await watch.close();
});

test("an open watch outlives a cut, and brings what happened meanwhile when the link is back", async () => {
  await using database = open();
  await using world = new MetaWorld(database);
  for (const name of ["stays", "changes", "goes"]) await world.cloud.put(name);
  const watch = await world.watch(`${MAPS}?watch=true`);
  watch.events.length = 0;
  world.cloud.cut();
  await world.cloud.put("changes", { x: "1" });
  await world.cloud.delete("goes");
  await world.cloud.put("new");
  await settle();
  assert.deepEqual([watch.events, watch.isOver()], [[], false]);
  world.cloud.restore();
  await settle();
  assert.deepEqual(watch.events.map((event) => event.replace(/ \d+$/, "")).sort(), [
    "ADDED new",
    "DELETED goes",
    "MODIFIED changes",
  ]);
  await world.cloud.put("stays", { y: "2" });
  await settle();
  assert.match(watch.events.at(-1) ?? "", /^MODIFIED stays/);
  await watch.close();
});

test("a client that watches from a list made before a deletion hears of the deletion", async () => {
  await using database = open();
  await using world = new MetaWorld(database);
  await world.cloud.put("a");
  await world.names(MAPS);
  const listed = world.cloud.version;
  const other = await world.watch(`${MAPS}?watch=true`);
  await world.cloud.delete("a");
  await settle();
  const watch = await world.watch(`${MAPS}?watch=true&resourceVersion=${listed}`);
  assert.deepEqual(watch.events, [`DELETED a ${world.cloud.version}`]);
  await watch.close();
  await other.close();
});

test("what happens before a client reads the first line of its watch is not missed", async () => {
  await using database = open();
  await using world = new MetaWorld(database);
  await world.cloud.put("a");
  await world.cloud.put("b");
  await world.names(MAPS);
  const watch = await world.watch(`${MAPS}?watch=true&resourceVersion=${world.cloud.version}`, async () => {
    await world.cloud.delete("a");
    await world.cloud.put("b", { x: "1" });
  });
  await settle();
  assert.deepEqual(
    watch.events.map((event) => event.replace(/ \d+$/, "")),
    ["DELETED a", "MODIFIED b"],
  );
  await watch.close();
});

test("a watch of more than this node keeps, or of too many different things, is refused", async () => {
  await using database = open();
  await using world = new MetaWorld(database, { maximumObjects: 4, maximumLength: 1_000_000 });
  for (const name of ["a", "b", "c"]) await world.cloud.put(name);
  assert.equal((await world.names(MAPS)).length, 3, "a list is passed on all the same");
  assert.equal((await world.json("GET", `${MAPS}?watch=true`)).code, 413);
  const selected = (number: number): string => `${MAPS}?watch=true&labelSelector=n%3D${number}`;
  const open50 = [];
  for (let number = 0; number < 50; number++) open50.push(await world.watch(selected(number)));
  assert.equal((await world.json("GET", selected(50))).code, 429);
  for (const watch of open50) await watch.close();
});

test("a watch from before anything was known here is told to list anew", async () => {
  await using database = open();
  await using world = new MetaWorld(database);
  await world.cloud.put("a");
  assert.equal((await world.json("GET", `${MAPS}?watch=true&resourceVersion=1`)).code, 410);
  assert.equal((await world.json("GET", `${MAPS}?watch=true&resourceVersion=x`)).code, 400);
  assert.equal((await world.json("GET", `${MAPS}?watch=true&sendInitialEvents=true`)).code, 422);
});

test("a change that overtakes the first list is neither lost nor undone", async () => {
  await using database = open();
  await using world = new MetaWorld(database);
  await world.cloud.put("a");
  world.cloud.beforeList = async () => {
    world.cloud.beforeList = async () => {};
    await world.cloud.delete("a");
    await world.cloud.put("b");
  };
  const watch = await world.watch(`${MAPS}?watch=true`);
  await settle();
  assert.deepEqual(watch.events, ["ADDED b 105"]);
  await watch.close();
});

test("a cluster that was restored from a backup is followed: watches end with 410, nothing old stays", async () => {
  await using database = open();
  await using world = new MetaWorld(database);
  await world.cloud.put("old");
  const watch = await world.watch(`${MAPS}?watch=true`);
  world.cloud.cut();
  world.cloud.restoreBackup(50);
  await world.cloud.put("other");
  world.cloud.restore();
  await settle();
  assert.deepEqual(watch.events.at(-1), "ERROR 410");
  assert.ok(watch.isOver());
  world.cloud.cut();
  assert.deepEqual(await world.names(MAPS), ["other"]);
});

test("watches that the cloud ends are asked for again, or end with its reason", async () => {
  await using database = open();
  await using world = new MetaWorld(database);
  const watch = await world.watch(`${MAPS}?watch=true`);
  await world.cloud.endWatches(failureStatus(410, "Expired", "too much waits"));
  await world.cloud.put("missed");
  await world.clock.advance(5_000);
  assert.match(watch.events.join(), /^ADDED missed/);
  await world.cloud.endWatches(failureStatus(403, "Forbidden", "not any more"));
  await settle();
  assert.deepEqual([watch.events.at(-1), watch.isOver()], ["ERROR 403", true]);
});

test("a watch that nobody follows any more ends in the cloud, after a while", async () => {
  await using database = open();
  await using world = new MetaWorld(database);
  const watch = await world.watch(`${MAPS}?watch=true`);
  await watch.close();
  await world.clock.advance(20_000);
  assert.equal(world.cloud.watchCount, 1);
  await world.clock.advance(20_000);
  assert.equal(world.cloud.watchCount, 0);
});

test("a watch ends after the time it was asked for", async () => {
  await using database = open();
  await using world = new MetaWorld(database);
  const watch = await world.watch(`${MAPS}?watch=true&timeoutSeconds=5`);
  assert.equal(watch.isOver(), false);
  await world.clock.advance(5_000);
  assert.equal(watch.isOver(), true);
});

test("pods of the node are there without the cloud, though nobody ever asked for them", async () => {
  await using database = open();
  await using world = new MetaWorld(database);
  const metadata = { name: "web", namespace: "plant", uid: "u1", resourceVersion: "7" };
  const pod: KubernetesObject = { apiVersion: "v1", kind: "Pod", metadata };
  world.meta.put("pod", pod);
  world.cloud.cut();
  const list = await world.json<{ kind: string; items: object[] }>("GET", "/api/v1/pods");
  assert.deepEqual([list.body.kind, list.body.items.length], ["PodList", 1]);
  assert.match(list.warning, /not all there is/);
  const watch = await world.watch("/api/v1/namespaces/plant/pods?watch=true");
  world.meta.put("pod", { ...pod, metadata: { ...metadata, resourceVersion: "8" } });
  await settle();
  world.meta.delete("pod", pod);
  await settle();
  assert.deepEqual(
    watch.events.map((event) => event.split(" ")[0]),
    ["ADDED", "MODIFIED", "DELETED"],
  );
  await watch.close();
});

test("Secrets and tokens of service accounts are for callers with the token only", async () => {
  await using database = open();
  await using world = new MetaWorld(database);
  for (const path of ["/api/v1/secrets", "/api/v1/namespaces/plant/secrets/key", "/api/v1/secrets?watch=true"])
    assert.equal((await world.json("GET", path)).code, 403, path);
  const token = "/api/v1/namespaces/plant/serviceaccounts/default/token";
  assert.equal((await world.json("POST", token, '{"spec":{}}')).code, 403);
  world.hasToken = true;
  assert.equal((await world.json("GET", "/api/v1/secrets")).code, 200);
});

test("questions about the API server are answered from the last time without the cloud", async () => {
  await using database = open();
  await using world = new MetaWorld(database);
  await world.json("GET", "/version");
  await world.json("GET", "/apis/apps/v1");
  world.cloud.cut();
  for (const path of ["/version", "/apis/apps/v1"])
    assert.deepEqual((await world.json<{ gitVersion: string }>("GET", path)).body.gitVersion, "v1.32.0");
  assert.equal((await world.ask("GET", "/healthz")).body, "ok");
});

test("what is not served is refused with a code that says so", async () => {
  await using database = open();
  await using world = new MetaWorld(database);
  const code = async (method: string, path: string, body = ""): Promise<number> =>
    (await world.json(method, path, body)).code;
  assert.equal(await code("GET", "/metrics"), 404);
  assert.equal(await code("GET", "/api/v1/namespaces/plant/configmaps/../../secrets"), 404);
  assert.equal(await code("GET", "/api/v1/namespaces/plant/configmaps/%2e%2e"), 404);
  assert.equal(await code("DELETE", MAPS), 405);
  assert.equal(await code("POST", `${MAPS}/a`, "{}"), 405);
  assert.equal(await code("GET", "/api/v1/namespaces/plant/pods/p/log"), 405);
  assert.equal(await code("POST", "/api/v1/namespaces/plant/pods/p/exec"), 405);
  assert.equal(await code("POST", MAPS, "no json"), 400);
  assert.equal(await code("GET", `${MAPS}?labelSelector=%3D%3D%3D`), 400);
  const protobuf = await world.ask("POST", MAPS, "k8s", { "content-type": "application/vnd.kubernetes.protobuf" });
  assert.equal(protobuf.status, 415);
});

test("held pods are released by KubeEdge's local paths, without the cloud", async () => {
  await using database = open();
  await using world = new MetaWorld(database);
  for (const name of ["plant/a", "plant/b", "plant/c"]) world.held.add(name);
  const release = async (kind: string, body: string): Promise<number> =>
    (await world.ask("POST", `/api/v1/${kind}/unhold-upgrade`, body)).status;
  assert.equal(await release("pods", "plant/a"), 200);
  assert.equal(await release("pods", "plant/a"), 404);
  for (const wrong of ["", "plant", "plant/a/b", "/"]) assert.equal(await release("pods", wrong), 400, wrong);
  assert.equal(await release("nodes", "another-node"), 404);
  assert.deepEqual([...world.held], ["plant/b", "plant/c"]);
  assert.equal(await release("nodes", ""), 200);
  assert.equal(world.held.size, 0);
});

test("more than may be kept is not: the kind that nobody asks for goes first, and is not said to be empty then", async () => {
  await using database = open();
  await using world = new MetaWorld(database, { maximumObjects: 6, maximumLength: 1_000_000 });
  for (const name of ["a", "b", "c"]) await world.cloud.put(name);
  await world.names(MAPS);
  const local = world.server.local;
  const other = { group: "x.io", version: "v1", resource: "things" };
  const thing = (name: string): KubernetesObject => ({
    apiVersion: "x.io/v1",
    kind: "Thing",
    metadata: { name, namespace: "plant", uid: name, resourceVersion: "1" },
  });
  local.touch(other);
  await local.store(other, ["1", "2", "3", "4"].map(thing));
  assert.equal(local.evictedCount, 1);
  world.cloud.cut();
  assert.equal((await world.json("GET", MAPS)).code, 503);
  assert.equal(local.list(other, "plant").length, 4);
});

test("an object's version never goes back, whatever comes late", async () => {
  await using database = open();
  await using world = new MetaWorld(database);
  const maps = { group: "", version: "v1", resource: "configmaps" };
  const at = (resourceVersion: string): KubernetesObject => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "a", namespace: "plant", uid: "u", resourceVersion },
  });
  const { local } = world.server;
  const version = (): string | undefined => local.get(maps, "plant", "a")?.metadata.resourceVersion;
  await local.store(maps, [at("10")]);
  await local.store(maps, [at("9")]);
  assert.equal(version(), "10");
  await local.remove(maps, at("10"), "9");
  assert.equal(version(), "10");
  await local.remove(maps, at("10"), "12");
  await local.store(maps, [at("11")]);
  assert.equal(version(), undefined);
});
