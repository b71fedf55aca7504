import assert from "node:assert/strict";
import { test } from "node:test";
import { type ConfigMap, configMaps, type KubernetesObject, type ObjectList } from "@skerry/api";
import { silentLogger } from "@skerry/base";
import { ManualClock, SeededRandom } from "@skerry/base/testing";
import type { CollectionTarget, KubernetesApi, ListOptions, WatchEvent, WatchOptions } from "../kubernetes-api.ts";
import { MemoryKubernetesApi } from "../testing/memory-kubernetes-api.ts";
import { Informer } from "./informer.ts";
import type { InformerOptions } from "./informer-options.ts";

const target = { resource: configMaps };
const inDefault = { resource: configMaps, namespace: "default" };
const configMap = (name: string, data: Record<string, string> = {}): ConfigMap => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name },
  data,
});

/** An API server that lies as a test tells it to. */
class LyingApi extends MemoryKubernetesApi {
  listLie: (<T extends KubernetesObject>(list: ObjectList<T>) => ObjectList<T>) | undefined;
  watchLie: ((events: AsyncIterable<WatchEvent>, options: WatchOptions) => AsyncIterable<WatchEvent>) | undefined;

  override async list<T extends KubernetesObject>(
    collection: CollectionTarget,
    options?: ListOptions,
  ): Promise<ObjectList<T>> {
    const list = await super.list<T>(collection, options);
    return this.listLie ? this.listLie(list) : list;
  }

  override watch<T extends KubernetesObject>(
    collection: CollectionTarget,
    options: WatchOptions,
  ): AsyncIterable<WatchEvent<T>> {
    const events = super.watch<T>(collection, options);
    return this.watchLie ? (this.watchLie(events, options) as AsyncIterable<WatchEvent<T>>) : events;
  }
}

function world(options: Partial<InformerOptions<ConfigMap>> = {}): {
  api: LyingApi;
  clock: ManualClock;
  informer: Informer<ConfigMap>;
  log: string[];
} {
  const api = new LyingApi();
  const clock = new ManualClock();
  const informer = new Informer<ConfigMap>({
    api: api as KubernetesApi,
    target,
    clock,
    random: new SeededRandom(1),
    logger: silentLogger,
    ...options,
  });
  const log: string[] = [];
  informer.listen((event) =>
    log.push(`${event.type} ${event.object.metadata.name} ${event.object.data?.["v"] ?? ""}`.trim()),
  );
  return { api, clock, informer, log };
}

const write = async (api: MemoryKubernetesApi, name: string, v: string): Promise<ConfigMap> =>
  api.patch<ConfigMap>({ ...inDefault, name }, { type: "merge", body: { data: { v } } });

test("an informer holds what is in the collection and tells each change once", async () => {
  const { api, clock, informer, log } = world();
  await api.create(inDefault, configMap("a"));
  informer.start();
  await informer.whenSynced();
  await api.create(inDefault, configMap("b"));
  await write(api, "a", "2");
  await api.delete({ ...inDefault, name: "b" });
  await clock.settle();
  assert.deepEqual(log, ["added a", "added b", "updated a 2", "deleted b"]);
  assert.deepEqual(informer.cache.keys(), ["default/a"]);
  assert.equal(informer.resourceVersion, api.resourceVersion);
  await informer[Symbol.asyncDispose]();
});

test("asked to list anew, an informer has what its watch did not bring", async () => {
  const { api, clock, informer, log } = world();
  await api.create(inDefault, configMap("a"));
  api.watchLie = async function* (events) {
    for await (const event of events) if (event.type === "BOOKMARK") yield event;
  };
  informer.start();
  await informer.whenSynced();
  await clock.settle();
  await api.create(inDefault, configMap("b"));
  await clock.settle();
  assert.deepEqual(log, ["added a"]);
  informer.relist(api.resourceVersion);
  await clock.advance(1_000);
  assert.deepEqual(log, ["added a", "added b"]);
  assert.equal(informer.resourceVersion, api.resourceVersion);
  await informer[Symbol.asyncDispose]();
});

test("asked to list anew, an informer does so until a list is new enough, although lists come from a cache that lags", async () => {
  const { api, clock, informer, log } = world();
  await api.create(inDefault, configMap("a"));
  const earlier = await api.list<ConfigMap>(inDefault);
  api.watchLie = async function* (events) {
    for await (const event of events) if (event.type === "BOOKMARK") yield event;
  };
  informer.start();
  await informer.whenSynced();
  await api.create(inDefault, configMap("b"));
  api.listLie = <T extends KubernetesObject>() => earlier as ObjectList<KubernetesObject> as ObjectList<T>;
  informer.relist(api.resourceVersion);
  await clock.advance(20_000);
  assert.deepEqual(log, ["added a"]);
  assert.ok(informer.counters.lists < 30, `${informer.counters.lists} lists: it waits longer and longer`);
  api.listLie = undefined;
  await clock.advance(10_000);
  assert.deepEqual(log, ["added a", "added b"]);
  const { lists } = informer.counters;
  informer.relist(api.resourceVersion);
  await clock.advance(10_000);
  assert.equal(informer.counters.lists, lists, "what it has is new enough");
  await informer[Symbol.asyncDispose]();
});

test("a list is read page by page", async () => {
  const { api, informer } = world();
  for (let index = 0; index < 1_201; index++) await api.create(inDefault, configMap(`m-${index}`));
  informer.start();
  await informer.whenSynced();
  assert.equal(informer.cache.size, 1_201);
  await informer[Symbol.asyncDispose]();
});

test("after 410 an informer lists anew and tells what it missed, deletions too", async () => {
  const { api, clock, informer, log } = world();
  await api.create(inDefault, configMap("a"));
  await api.create(inDefault, configMap("b"));
  informer.start();
  await informer.whenSynced();
  let lost = true;
  api.watchLie = async function* (events) {
    if (lost) {
      lost = false;
      await write(api, "a", "2");
      await api.delete({ ...inDefault, name: "b" });
      await api.create(inDefault, configMap("c"));
      api.compact();
    }
    yield* events;
  };
  api.closeWatches();
  await clock.advance(1_000);
  assert.deepEqual(log, ["added a", "added b", "deleted b", "updated a 2", "added c"]);
  await informer[Symbol.asyncDispose]();
});

test("an object deleted and created anew while nobody watched is told as deleted and added", async () => {
  const { api, clock, informer, log } = world();
  await api.create(inDefault, configMap("a", { v: "old" }));
  informer.start();
  await informer.whenSynced();
  api.watchLie = async function* (events) {
    api.watchLie = undefined;
    await api.delete({ ...inDefault, name: "a" });
    await api.create(inDefault, configMap("a", { v: "new" }));
    api.compact();
    yield* events;
  };
  api.closeWatches();
  await clock.advance(1_000);
  assert.deepEqual(log, ["added a old", "deleted a old", "added a new"]);
  await informer[Symbol.asyncDispose]();
});

test("duplicates and old versions from a watch are ignored", async () => {
  const { api, clock, informer, log } = world();
  const first = await api.create(inDefault, configMap("a", { v: "1" }));
  api.watchLie = async function* (events) {
    for await (const event of events) {
      yield event;
      yield event;
      yield { type: "MODIFIED", object: first };
      yield { type: "DELETED", object: first };
    }
  };
  informer.start();
  await informer.whenSynced();
  await write(api, "a", "2");
  await write(api, "a", "3");
  await clock.settle();
  assert.deepEqual(log, ["added a 1", "updated a 2", "updated a 3"]);
  assert.equal(informer.counters.staleEvents, 6);
  await informer[Symbol.asyncDispose]();
});

test("a watch that silently died is opened anew after its time", async () => {
  const { api, clock, informer, log } = world({ watchTimeoutSeconds: 60 });
  api.watchLie = async function* (_events, { signal }) {
    await new Promise((resolve) => signal?.addEventListener("abort", resolve, { once: true }));
    yield* [];
  };
  informer.start();
  await informer.whenSynced();
  await clock.settle();
  await api.create(inDefault, configMap("a"));
  await clock.advance(60_000);
  assert.deepEqual(log, []);
  api.watchLie = undefined;
  await clock.advance(11_000);
  assert.deepEqual(log, ["added a"]);
  await informer[Symbol.asyncDispose]();
});

/** The server forgets its versions and its watches end: the informer must list anew. */
function forceList(api: LyingApi): void {
  api.watchLie = async function* (events) {
    api.watchLie = undefined;
    await write(api, "a", "4");
    api.compact();
    yield* events;
  };
  api.closeWatches();
}

test("a list older than what was seen is not believed while it may come from a copy that lags", async () => {
  const { api, clock, informer, log } = world();
  await api.create(inDefault, configMap("a", { v: "1" }));
  await write(api, "a", "2");
  informer.start();
  await informer.whenSynced();
  await write(api, "a", "3");
  await clock.settle();
  api.listLie = (list) => ({ ...list, metadata: { resourceVersion: "1" }, items: [] });
  forceList(api);
  await clock.advance(50_000);
  assert.ok(informer.counters.staleLists > 3, String(informer.counters.staleLists));
  assert.deepEqual(log, ["added a 2", "updated a 3"]);
  api.listLie = undefined;
  await clock.advance(6_000);
  assert.deepEqual(log, ["added a 2", "updated a 3", "updated a 4"]);
  await informer[Symbol.asyncDispose]();
});

test("lists that stay older than what was seen for over a minute are believed: the server was restored", async () => {
  const { api, clock, informer, log } = world();
  await api.create(inDefault, configMap("a", { v: "1" }));
  await write(api, "a", "2");
  informer.start();
  await informer.whenSynced();
  api.listLie = (list) => ({ ...list, metadata: { resourceVersion: "1" }, items: [] });
  forceList(api);
  await clock.advance(70_000);
  assert.deepEqual(log.slice(0, 2), ["added a 2", "deleted a 2"]);
  assert.ok(informer.counters.staleLists < 30, String(informer.counters.staleLists));
  await informer[Symbol.asyncDispose]();
});

test("an informer goes on after the server could not be reached", async () => {
  const { api, clock, informer, log } = world();
  let failures = 3;
  api.listLie = (list) => {
    if (failures-- > 0) throw new Error("connection refused");
    return list;
  };
  await api.create(inDefault, configMap("a"));
  informer.start();
  await clock.advance(10_000);
  assert.equal(informer.hasSynced, true);
  assert.deepEqual(log, ["added a"]);
  assert.equal(informer.counters.failures, 3);
  await informer[Symbol.asyncDispose]();
});

test("a watch that always ends at once is retried with back-off, not in a busy loop", async () => {
  const { api, clock, informer } = world();
  api.watchLie = async function* () {};
  informer.start();
  await informer.whenSynced();
  await clock.advance(60_000);
  assert.ok(informer.counters.watches < 20, String(informer.counters.watches));
  await informer[Symbol.asyncDispose]();
});

test("objects beyond the limit are left out and counted", async () => {
  const { api, informer } = world({ maximumObjects: 2 });
  for (const name of ["a", "b", "c"]) await api.create(inDefault, configMap(name));
  informer.start();
  await informer.whenSynced();
  assert.equal(informer.cache.size, 2);
  assert.equal(informer.counters.droppedObjects, 1);
  await informer[Symbol.asyncDispose]();
});

test("an index follows updates and deletions", async () => {
  const { api, clock, informer } = world({ indexers: { byValue: (object) => [object.data?.["v"] ?? ""] } });
  await api.create(inDefault, configMap("a", { v: "1" }));
  await api.create(inDefault, configMap("b", { v: "1" }));
  informer.start();
  await informer.whenSynced();
  assert.equal(informer.cache.byIndex("byValue", "1").length, 2);
  await write(api, "a", "2");
  await api.delete({ ...inDefault, name: "b" });
  await clock.settle();
  assert.equal(informer.cache.byIndex("byValue", "1").length, 0);
  assert.equal(informer.cache.byIndex("byValue", "2").length, 1);
  await informer[Symbol.asyncDispose]();
});

test("waiting for an informer that is stopped rejects", async () => {
  const { informer } = world();
  const waiting = informer.whenSynced();
  await informer[Symbol.asyncDispose]();
  await assert.rejects(waiting);
});
