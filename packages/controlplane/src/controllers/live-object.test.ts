import assert from "node:assert/strict";
import { test } from "node:test";
import { nodes } from "@skerry/api";
import { MemoryKubernetesApi } from "@skerry/kube/testing";
import { liveObject } from "./live-object.ts";

test("a live object is what the API server has, and undefined when it has none; other failures are thrown", async () => {
  const api = new MemoryKubernetesApi();
  const target = { resource: nodes, name: "edge-1" };
  const { signal } = new AbortController();
  assert.equal(await liveObject(api, target, signal), undefined);
  await api.create({ resource: nodes }, { apiVersion: "v1", kind: "Node", metadata: { name: "edge-1" } });
  assert.equal((await liveObject(api, target, signal))?.metadata.name, "edge-1");
  api.get = () => Promise.reject(new Error("out of order"));
  await assert.rejects(liveObject(api, target, signal), /out of order/);
});
