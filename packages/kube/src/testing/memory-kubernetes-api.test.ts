import assert from "node:assert/strict";
import { test } from "node:test";
import { type ConfigMap, configMaps, type KubernetesObject, type Pod, pods } from "@skerry/api";
import fc from "fast-check";
import { isApiError } from "../api-error.ts";
import { MemoryKubernetesApi } from "./memory-kubernetes-api.ts";

const inDefault = { resource: configMaps, namespace: "default" };
const configMap = (name: string, data: Record<string, string> = {}): ConfigMap => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name },
  data,
});
const pod = (name: string, nodeName?: string): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name },
  spec: { containers: [], ...(nodeName ? { nodeName } : {}) },
});

test("an update on an old version is a conflict", async () => {
  const api = new MemoryKubernetesApi();
  const created = await api.create(inDefault, configMap("a"));
  await api.update({ ...inDefault, name: "a" }, { ...created, data: { x: "1" } });
  await assert.rejects(api.update({ ...inDefault, name: "a" }, { ...created, data: { x: "2" } }), (error) =>
    isApiError(error, "Conflict"),
  );
});

test("an object with finalizers stays, marked as deleted, until the last is removed", async () => {
  const api = new MemoryKubernetesApi();
  const target = { ...inDefault, name: "a" };
  const object = configMap("a");
  object.metadata.finalizers = ["x"];
  await api.create(inDefault, object);
  await api.delete(target);
  assert.ok((await api.get(target)).metadata.deletionTimestamp);
  await api.patch(target, { type: "merge", body: { metadata: { finalizers: null } } });
  await assert.rejects(api.get(target), (error) => isApiError(error, "NotFound"));
});

test("a pod on a node is deleted gracefully, one without a node at once", async () => {
  const api = new MemoryKubernetesApi();
  await api.create({ resource: pods, namespace: "default" }, pod("bound", "edge"));
  await api.create({ resource: pods, namespace: "default" }, pod("free"));
  const bound = { resource: pods, namespace: "default", name: "bound" };
  await api.delete(bound);
  assert.equal((await api.get(bound)).metadata.deletionGracePeriodSeconds, 30);
  await api.delete({ ...bound, name: "free" });
  await api.delete(bound, { gracePeriodSeconds: 0 });
  assert.equal((await api.list({ resource: pods })).items.length, 0);
});

test("a watch from a forgotten version gets 410", async () => {
  const api = new MemoryKubernetesApi();
  await api.create(inDefault, configMap("a"));
  await api.create(inDefault, configMap("b"));
  api.compact();
  const watch = api.watch(inDefault, { resourceVersion: "1" })[Symbol.asyncIterator]();
  await assert.rejects(watch.next(), (error) => isApiError(error, "Expired"));
});

test("list plus watch with a selector gives the same set as a later list, gap-free and in order", async () => {
  const step = fc.record({ name: fc.constantFrom("a", "b", "c"), label: fc.constantFrom("x", "y", "") });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), fc.nat(20), async (steps, cut) => {
      const api = new MemoryKubernetesApi();
      const apply = async ({ name, label }: { name: string; label: string }): Promise<void> => {
        const target = { ...inDefault, name };
        const exists = await api.get(target).then(
          () => true,
          () => false,
        );
        if (label === "") {
          if (exists) await api.delete(target);
          return;
        }
        const object = { ...configMap(name), metadata: { name, labels: { label } } };
        await (exists ? api.update(target, object) : api.create(inDefault, object));
      };
      for (const each of steps.slice(0, cut)) await apply(each);
      const options = { labelSelector: "label=x" };
      const list = await api.list(inDefault, options);
      const abort = new AbortController();
      const seen = new Map<string, KubernetesObject>(list.items.map((item) => [item.metadata.name, item]));
      for (const each of steps.slice(cut)) await apply(each);
      const final = await api.list(inDefault, options);
      let last = Number(list.metadata.resourceVersion);
      const marker: KubernetesObject = await api.create(inDefault, {
        ...configMap("end"),
        metadata: { name: "end", labels: { label: "x" } },
      });
      for await (const event of api.watch(inDefault, {
        ...options,
        resourceVersion: list.metadata.resourceVersion,
        signal: abort.signal,
      })) {
        if (event.type === "BOOKMARK") continue;
        if (event.object.metadata.resourceVersion === marker.metadata.resourceVersion) {
          abort.abort();
          break;
        }
        const version = Number(event.object.metadata.resourceVersion);
        assert.ok(version > last);
        last = version;
        if (event.type === "DELETED") seen.delete(event.object.metadata.name);
        else seen.set(event.object.metadata.name, event.object);
      }
      const byName = (items: Iterable<KubernetesObject>): KubernetesObject[] =>
        [...items].sort((left, right) => (left.metadata.name < right.metadata.name ? -1 : 1));
      assert.deepEqual(byName(seen.values()), byName(final.items));
    }),
    { numRuns: 50 },
  );
});
