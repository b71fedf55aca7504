import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { systemClock, systemRandom } from "@skerry/base/platform";
import { isApiError } from "@skerry/kube";
import type { Database } from "@skerry/store";
import { SqliteDatabase } from "@skerry/store/platform";
import { TypeTopologies } from "../fieldmanager/type-topology.ts";
import { builtInTypes } from "../openapi/built-in-types.ts";
import { asApiObject } from "./api-object.ts";
import { builtInResources } from "./kinds/kinds.ts";
import { ObjectStore } from "./object-store.ts";
import type { ResourceDefinition } from "./resource-definition.ts";
import { storeMigrations } from "./store-session.ts";
import { type CollectionEvent, CollectionWatches } from "./watch-collection.ts";

const WATCHES = 10_000;

/** The watches of an API server over a database that counts what is read from it. */
class WatchWorld implements AsyncDisposable {
  readonly #database = new SqliteDatabase({ path: ":memory:", migrations: storeMigrations });
  readonly #stops: AbortController[] = [];
  readonly store: ObjectStore;
  readonly definition: ResourceDefinition;
  readCount = 0;

  constructor() {
    const read: Database["read"] = (work) => {
      this.readCount++;
      return this.#database.read(work);
    };
    this.store = new ObjectStore({
      read,
      transaction: (work) => this.#database.transaction(work),
      [Symbol.asyncDispose]: () => this.#database[Symbol.asyncDispose](),
    });
    const definition = builtInResources(new TypeTopologies(builtInTypes())).find(
      ({ storageKey }) => storageKey === "/configmaps",
    );
    assert.ok(definition);
    this.definition = definition;
  }

  watch(watches: CollectionWatches, username?: string): AsyncGenerator<CollectionEvent, void> {
    const stop = new AbortController();
    this.#stops.push(stop);
    const options = { resourceVersion: String(this.store.feed.revision), signal: stop.signal };
    const at = { definition: this.definition, namespace: "default" };
    return watches.watch(at, { ...options, ...(username === undefined ? {} : { username }) });
  }

  async put(resource: string, name: string): Promise<void> {
    const object = asApiObject({ apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace: "default" } });
    await this.store.write((session) => session.put({ resource, namespace: "default", name }, object));
  }

  /** Ends the watches. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const stop of this.#stops) stop.abort();
    await nextTurn();
    await this.#database[Symbol.asyncDispose]();
  }
}

test("ten thousand watches see a change without a read of the database", async () => {
  await using world = new WatchWorld();
  const watches = new CollectionWatches(world.store, systemClock, systemRandom);
  const seen: string[] = [];
  const waiting = Array.from({ length: WATCHES }, async () => {
    for await (const event of world.watch(watches, "kubernetes-admin"))
      if (event.type !== "BOOKMARK") seen.push(event.text);
  });
  const ended = Promise.allSettled(waiting);
  await nextTurn();
  assert.equal(watches.runningCount, WATCHES);
  world.readCount = 0;
  await world.put("/secrets", "other");
  await world.put("/configmaps", "first");
  await world.put("/configmaps", "second");
  while (seen.length < 2 * WATCHES) await nextTurn();
  assert.equal(world.readCount, 0);
  assert.equal(new Set(seen).size, 2);
  await world[Symbol.asyncDispose]();
  await ended;
  assert.equal(watches.runningCount, 0);
});

test("one user cannot take all watches, and the control plane's own are always served", async () => {
  await using world = new WatchWorld();
  const watches = new CollectionWatches(world.store, systemClock, systemRandom, { inAll: 3, ofOneUser: 2 });
  const open = (username?: string): AsyncGenerator<CollectionEvent, void> => {
    const events = world.watch(watches, username);
    const first = events.next();
    ended.push(first);
    first.catch(() => {}); // It is aborted at the end.
    return events;
  };
  const ended: Promise<unknown>[] = [];
  const greedy = open("greedy");
  open("greedy");
  const message = 'user "greedy" has 2 watches running, as many as one user may have';
  assert.throws(
    () => open("greedy"),
    (error) => isApiError(error, "TooManyRequests") && error.message === message,
  );
  open("modest");
  assert.throws(() => open("another"), /too many watches are running/);
  open();
  assert.equal(watches.runningCount, 3);
  assert.equal(watches.refusedCount, 2);
  await world.put("/configmaps", "x");
  await ended[0];
  await greedy.return();
  open("another");
  await world[Symbol.asyncDispose]();
  await Promise.allSettled(ended);
});
