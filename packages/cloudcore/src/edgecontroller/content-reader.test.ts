import assert from "node:assert/strict";
import { test } from "node:test";
import { configMaps, type KubernetesObject } from "@skerry/api";
import { ManualClock } from "@skerry/base/testing";
import { MemoryKubernetesApi } from "@skerry/kube/testing";
import { ContentReader, withoutContent } from "./content-reader.ts";

const at = { resource: configMaps, namespace: "plant" };
const target = { ...at, name: "settings" };

class World {
  readonly clock = new ManualClock();
  readonly api = new MemoryKubernetesApi();
  readonly reader = new ContentReader(this.api, this.clock);
  reads = 0;

  constructor() {
    const get = this.api.get.bind(this.api);
    this.api.get = (...parameters) => {
      this.reads++;
      return get(...parameters) as never;
    };
  }

  /** The object as the caches have it. */
  async create(mode: string): Promise<KubernetesObject> {
    const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "settings" }, data: { mode } };
    return withoutContent(await this.api.create(at, object as KubernetesObject));
  }

  async change(mode: string): Promise<KubernetesObject> {
    return withoutContent(await this.api.patch(target, { type: "merge", body: { data: { mode } } }));
  }

  async mode(object: KubernetesObject): Promise<string | undefined> {
    const found = await this.reader.read(configMaps, object);
    return (found as { data?: { mode: string } } | undefined)?.data?.mode;
  }
}

test("a content that many nodes need is read once, also when it changes while it is read", async () => {
  const world = new World();
  const first = await world.create("one");
  assert.equal("data" in first, false);
  assert.deepEqual(await Promise.all([1, 2, 3].map(() => world.mode(first))), ["one", "one", "one"]);
  assert.equal(await world.mode(first), "one");
  assert.equal(world.reads, 1);
  const second = await world.change("two");
  assert.deepEqual(await Promise.all([world.mode(second), world.mode(second)]), ["two", "two"]);
  assert.equal(world.reads, 2);
  // What the cache has not seen yet may be given as well, being the same object and newer, but is not kept.
  const third = await world.change("three");
  await world.clock.advance(30_000);
  assert.equal(await world.mode(second), "three");
  assert.equal(await world.mode(third), "three");
  assert.equal(world.reads, 4);
});

test("an object that is gone, or is another one now, has no content", async () => {
  const world = new World();
  const first = await world.create("one");
  await world.api.delete(target);
  assert.equal(await world.mode(first), undefined);
  const again = await world.create("two");
  await world.clock.advance(30_000);
  assert.equal(await world.mode(first), undefined);
  assert.equal(await world.mode(again), "two");
});

test("a read that failed is not remembered", async () => {
  const world = new World();
  const object = await world.create("one");
  const get = world.api.get;
  world.api.get = () => Promise.reject(new Error("away"));
  await assert.rejects(world.mode(object), /away/);
  world.api.get = get;
  assert.equal(await world.mode(object), "one");
});
