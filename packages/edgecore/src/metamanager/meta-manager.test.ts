import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubernetesObject } from "@skerry/api";
import { isSkerryError, type JsonObject } from "@skerry/base";
import { isApiError } from "@skerry/kube";
import { type Message, newMessage, responseTo } from "@skerry/link";
import type { Database } from "@skerry/store";
import { SqliteDatabase } from "@skerry/store/platform";
import { metaManagerMigrations } from "./migrations.ts";
import { EdgeWorld, pod } from "./testing/edge-world.ts";

function openDatabase(): SqliteDatabase {
  return new SqliteDatabase({ path: ":memory:", migrations: metaManagerMigrations });
}

const podKey = { type: "pod", namespace: "default", name: "web" };

test("an object is stored, then acknowledged with the route of its message, then told to the listeners", async () => {
  await using database = openDatabase();
  await using world = new EdgeWorld(database);
  await world.connect();
  const message = await world.deliver("update", "default/pod/web", pod("web", "uid-1", "10"));
  assert.deepEqual(world.answersTo(message), ["response edgecontroller resource default/pod/web OK"]);
  assert.equal(world.meta.get(podKey)?.metadata.resourceVersion, "10");
  assert.deepEqual(
    world.changes.map((change) => change.kind),
    ["stored"],
  );
});

test("rights of service accounts, which a KubeEdge cloud may send, are stored and acknowledged (D25)", async () => {
  await using database = openDatabase();
  await using world = new EdgeWorld(database);
  await world.connect();
  const metadata = { name: "app", namespace: "default", uid: "uid-9", resourceVersion: "10" };
  const access = { apiVersion: "policy.kubeedge.io/v1alpha1", kind: "ServiceAccountAccess", metadata };
  const message = await world.deliver("insert", "default/serviceaccountaccess/app", access);
  assert.equal(world.answersTo(message).length, 1);
  assert.equal(world.meta.list("serviceaccountaccess").length, 1);
});

test("device inserts and deletes are acknowledged in KubeEdge's form for devices", async () => {
  await using database = openDatabase();
  await using world = new EdgeWorld(database);
  await world.connect();
  const device = {
    apiVersion: "devices.kubeedge.io/v1beta1",
    kind: "Device",
    metadata: { name: "lamp", namespace: "default", uid: "uid-d", resourceVersion: "5" },
  };
  const insert = await world.deliver("insert", "default/device/lamp", device, "devicecontroller");
  assert.deepEqual(world.answersTo(insert), ["response meta twin default/device/lamp OK"]);
  const update = await world.deliver("update", "default/device/lamp", device, "devicecontroller");
  assert.deepEqual(world.answersTo(update), ["response devicecontroller resource default/device/lamp OK"]);
});

test("an older version is acknowledged and ignored (I2)", async () => {
  await using database = openDatabase();
  await using world = new EdgeWorld(database);
  await world.connect();
  await world.deliver("update", "default/pod/web", pod("web", "uid-1", "10"));
  const late = await world.deliver("update", "default/pod/web", pod("web", "uid-1", "9"));
  assert.equal(world.answersTo(late).length, 1);
  assert.equal(world.meta.get(podKey)?.metadata.resourceVersion, "10");
  assert.equal(world.changes.length, 1);
});

test("an object of the same name with another UID replaces the stored one, which is told as deleted first", async () => {
  await using database = openDatabase();
  await using world = new EdgeWorld(database);
  await world.connect();
  await world.deliver("update", "default/pod/web", pod("web", "uid-1", "10"));
  await world.deliver("update", "default/pod/web", pod("web", "uid-2", "12"));
  assert.deepEqual(
    world.changes.map((change) => `${change.kind} ${change.object.metadata.uid}`),
    ["stored uid-1", "deleted uid-1", "stored uid-2"],
  );
  await world.deliver("update", "default/pod/web", pod("web", "uid-1", "13"));
  assert.equal(world.meta.get(podKey)?.metadata.uid, "uid-2", "the replaced one does not come back");
});

test("a deletion needs the stored UID, and a deleted pod never comes back (I4)", async () => {
  await using database = openDatabase();
  await using world = new EdgeWorld(database);
  await world.connect();
  await world.deliver("update", "default/pod/web", pod("web", "uid-2", "10"));
  const other = await world.deliver("delete", "default/pod/web", pod("web", "uid-1", "11"));
  assert.equal(world.answersTo(other).length, 1);
  assert.ok(world.meta.get(podKey));
  const stub = { metadata: { name: "web", namespace: "default" } };
  const withoutUid = await world.deliver("delete", "default/pod/web", stub);
  assert.equal(world.answersTo(withoutUid).length, 1);
  assert.ok(world.meta.get(podKey), "a deletion without UID deletes nothing");
  await world.deliver("delete", "default/pod/web", pod("web", "uid-2", "12"));
  assert.equal(world.meta.get(podKey), undefined);
  const ghost = await world.deliver("update", "default/pod/web", pod("web", "uid-2", "13"));
  assert.equal(world.answersTo(ghost).length, 1);
  assert.equal(world.meta.get(podKey), undefined);
});

// Found by the simulation (seed 29, KubeEdge's delivery): a CloudCore with an old cache deleted again, without a version.
test("a deletion that comes again without a version leaves the known one, so that no older version gets past (I2)", async () => {
  await using database = openDatabase();
  await using world = new EdgeWorld(database);
  await world.connect();
  const settings = (version: string): ReturnType<typeof pod> => ({
    ...pod("settings", "uid-1", version),
    kind: "ConfigMap",
  });
  await world.deliver("insert", "default/configmap/settings", settings("33"));
  const stub = { metadata: { name: "settings", namespace: "default", uid: "uid-1" } };
  await world.deliver("delete", "default/configmap/settings", stub);
  await world.deliver("delete", "default/configmap/settings", stub);
  await world.deliver("insert", "default/configmap/settings", settings("27"));
  assert.deepEqual(world.meta.list("configmap"), []);
  await world.deliver("insert", "default/configmap/settings", settings("33"));
  assert.equal(world.meta.list("configmap").length, 1, "it may come back as it was");
});

test("a device that is bound to the node again comes back under its UID", async () => {
  await using database = openDatabase();
  await using world = new EdgeWorld(database);
  await world.connect();
  const device = (resourceVersion: string): KubernetesObject => ({
    apiVersion: "devices.kubeedge.io/v1beta1",
    kind: "Device",
    metadata: { name: "lamp", namespace: "default", uid: "uid-d", resourceVersion },
  });
  await world.deliver("insert", "default/device/lamp", device("5"), "devicecontroller");
  await world.deliver("delete", "default/device/lamp", device("6"), "devicecontroller");
  await world.deliver("update", "default/device/lamp", device("5"), "devicecontroller");
  assert.deepEqual(world.meta.list("device"), [], "a late older version does not bring it back");
  await world.deliver("insert", "default/device/lamp", device("9"), "devicecontroller");
  assert.equal(world.meta.list("device").length, 1);
});

test("what cannot be stored is answered with an error and not acknowledged", async () => {
  await using database = openDatabase();
  await using world = new EdgeWorld(database);
  await world.connect();
  for (const [resource, content] of [
    ["default/pod/web", { ErrStatus: { status: "Failure", code: 404, reason: "NotFound" } }],
    ["default/pod/web", "text"],
    ["default/pod/web", { metadata: { name: "web" } }],
    ["default/pod/web", pod("other", "uid-1", "1")],
    ["default/pod", pod("web", "uid-1", "1")],
  ] as const) {
    const message = await world.deliver("update", resource, content);
    assert.match(world.answersTo(message).join(), /^error metamanager resource .*META_OBJECT_UNUSABLE/);
  }
  assert.deepEqual(world.meta.list("pod"), []);
});

test("the CSI driver's requests are answered with an error that says what there is instead (D29)", async () => {
  await using database = openDatabase();
  await using world = new EdgeWorld(database);
  await world.connect();
  for (const operation of ["createvolume", "deletevolume", "controllerpublishvolume", "controllerunpublishvolume"]) {
    const message = await world.deliver(operation, "default/volume/v-1", "{}", "cloudhub");
    assert.match(world.answersTo(message).join(), /^error metamanager resource .*META_VOLUMES_UNSUPPORTED: /);
  }
});

test("a failed commit is answered with an error and told to nobody", async () => {
  await using database = openDatabase();
  const failing: Database = {
    read: (work) => database.read(work),
    transaction: () => Promise.reject(new Error("disk is full")),
    [Symbol.asyncDispose]: async () => {},
  };
  await using world = new EdgeWorld(failing);
  await world.connect();
  const message = await world.deliver("update", "default/pod/web", pod("web", "uid-1", "1"));
  assert.deepEqual(world.answersTo(message), ["error metamanager resource default/pod/web disk is full"]);
  assert.deepEqual(world.changes, []);
});

test("fetch() stores the cloud's answer, acknowledges it and asks only once", async () => {
  await using database = openDatabase();
  await using world = new EdgeWorld(database);
  let reply: Message | undefined;
  world.cloud.answer = (asked) => {
    if (asked.route.operation !== "query") return undefined;
    reply = {
      ...responseTo(world, asked, {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "settings", namespace: "default", uid: "uid-c", resourceVersion: "7" },
        data: { colour: "blue" },
      }),
      route: {
        source: "edgecontroller",
        group: "resource",
        operation: "response",
        resource: "default/configmap/settings",
      },
    };
    return reply;
  };
  await world.connect();
  const key = { type: "configmap", namespace: "default", name: "settings" };
  const [first, second] = await Promise.all([world.meta.fetch(key), world.meta.fetch(key)]);
  assert.equal(first.metadata.uid, "uid-c");
  assert.equal(second.metadata.uid, "uid-c");
  assert.ok(reply);
  assert.deepEqual(world.answersTo(reply), ["response edgecontroller resource default/configmap/settings OK"]);
  await world.meta.fetch(key);
  const queries = world.cloud.connection.received.filter((message) => message.route.operation === "query");
  assert.deepEqual(
    queries.map(({ route, content }) => [route, content]),
    [[{ source: "edged", group: "meta", operation: "query", resource: "default/configmap/settings" }, null]],
  );
});

// Found with KubeEdge's CloudCore: it answered the second of two pods with the same Secret only after a minute.
test("fetch() asks once for callers with signals of their own, and who gives up leaves the others waiting", async () => {
  await using database = openDatabase();
  await using world = new EdgeWorld(database);
  await world.connect();
  const key = { type: "secret", namespace: "default", name: "tls" };
  const impatient = new AbortController();
  const first = world.meta.fetch(key, impatient.signal);
  const second = world.meta.fetch(key, new AbortController().signal);
  impatient.abort(new Error("no longer wanted"));
  await assert.rejects(first, /no longer wanted/);
  const queries = world.cloud.connection.received.filter(({ route }) => route.operation === "query");
  assert.equal(queries.length, 1);
  const [query] = queries;
  assert.ok(query);
  const object = { metadata: { name: "tls", namespace: "default", uid: "uid-s", resourceVersion: "3" } };
  world.cloud.connection.deliver(responseTo(world, query, object));
  assert.equal((await second).metadata.uid, "uid-s");
});

// KubeEdge's CloudCore drops an answer when a newer version of the object is to be sent.
test("fetch() is answered by the object's own message when no answer comes", async () => {
  await using database = openDatabase();
  await using world = new EdgeWorld(database);
  await world.connect();
  const key = { type: "secret", namespace: "default", name: "tls" };
  const fetched = world.meta.fetch(key, new AbortController().signal);
  const object = { metadata: { name: "tls", namespace: "default", uid: "uid-s", resourceVersion: "3" } };
  const message = await world.deliver("update", "default/secret/tls", object);
  assert.equal((await fetched).metadata.resourceVersion, "3");
  assert.deepEqual(world.answersTo(message), ["response edgecontroller resource default/secret/tls OK"]);
});

test("fetch() throws a refused query's error and stores nothing (W10)", async () => {
  await using database = openDatabase();
  await using world = new EdgeWorld(database);
  world.cloud.answer = (asked) =>
    responseTo(world, asked, { ErrStatus: { status: "Failure", reason: "NotFound", code: 404, message: "no such" } });
  await world.connect();
  const key = { type: "configmap", namespace: "default", name: "absent" };
  await assert.rejects(world.meta.fetch(key), (error) => isApiError(error, "NotFound"));
  assert.equal(world.meta.get(key), undefined);
  world.cloud.connection.drop();
  await assert.rejects(world.meta.fetch(key), (error) => isSkerryError(error, "LINK_DISCONNECTED"));
});

test("a query reply that comes too late is stored and acknowledged like any object (W6)", async () => {
  await using database = openDatabase();
  await using world = new EdgeWorld(database);
  await world.connect();
  const late = responseTo(
    world,
    newMessage(world, { group: "meta", operation: "query", resource: "default/secret/tls" }, null),
    { metadata: { name: "tls", namespace: "default", uid: "uid-s", resourceVersion: "3" } },
    { route: { source: "edgecontroller", group: "resource" } },
  );
  world.cloud.connection.deliver(late);
  await world.clock.advance(0);
  assert.equal(world.answersTo(late).length, 1);
  assert.equal(world.meta.get({ type: "secret", namespace: "default", name: "tls" })?.kind, "Secret");
});

test("a late answer to a report is not stored, least of all under the report's name", async () => {
  await using database = openDatabase();
  await using world = new EdgeWorld(database);
  await world.connect();
  const route = { source: "edgecontroller", group: "resource", operation: "response" };
  for (const [resource, content] of [
    ["default/podpatch/web", { Object: pod("web", "uid-1", "10"), Err: null }],
    ["kube-node-lease/lease/edge-1", { Object: pod("edge-1", "uid-2", "11"), Err: null }],
  ] as const) {
    const late = newMessage(world, { ...route, resource }, content as unknown as JsonObject);
    world.cloud.connection.deliver({ ...late, header: { ...late.header, parent_msg_id: "long-forgotten" } });
  }
  await world.clock.advance(0);
  assert.deepEqual(world.changes, []);
  assert.deepEqual(
    database.read((reader) => reader.all("SELECT key FROM meta")),
    [],
  );
});

test("call() resolves with the object of an ObjectResp, kind filled in, and throws its error", async () => {
  await using database = openDatabase();
  await using world = new EdgeWorld(database);
  const lease = { operation: "update", resource: "kube-node-lease/lease/edge-1", content: {} };
  world.cloud.answer = (asked) => responseTo(world, asked, { Object: { metadata: { name: "edge-1" } }, Err: null });
  await world.connect();
  assert.deepEqual(await world.meta.call(lease), {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: { name: "edge-1" },
  });
  world.cloud.answer = (asked) => responseTo(world, asked, { Object: null, Err: {} });
  await assert.rejects(world.meta.call(lease), (error) => isApiError(error, "InternalError"));
});
