import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod } from "@skerry/api";
import { PodIndex } from "./pod-index.ts";

function pod(name: string, nodeName: string | undefined, spec: Partial<Pod["spec"]> = {}): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "plant", uid: `uid-${name}` },
    spec: { containers: [], ...(nodeName === undefined ? {} : { nodeName }), ...spec },
  };
}

test("a node needs what the init containers, env, volumes and pull secrets of its pods refer to", () => {
  const index = new PodIndex();
  index.set(
    pod("app", "edge-1", {
      initContainers: [{ name: "init", envFrom: [{ configMapRef: { name: "from-init" } }] }],
      containers: [
        {
          name: "main",
          env: [{ name: "PASSWORD", valueFrom: { secretKeyRef: { name: "from-env", key: "password" } } }],
        },
      ],
      volumes: [
        { name: "a", projected: { sources: [{ configMap: { name: "projected" } }, { secret: { name: "mixed" } }] } },
        { name: "b", persistentVolumeClaim: { claimName: "data" } },
      ],
      imagePullSecrets: [{ name: "registry" }],
    }),
  );
  for (const name of ["from-init", "projected"])
    assert.deepEqual([...index.nodesUsing("configMaps", "plant", name)], ["edge-1"]);
  for (const name of ["from-env", "mixed", "registry"]) assert.ok(index.isUsedBy("edge-1", "secrets", "plant", name));
  assert.ok(index.isUsedBy("edge-1", "persistentVolumeClaims", "plant", "data"));
  assert.ok(!index.isUsedBy("edge-2", "secrets", "plant", "registry"));
  assert.ok(!index.isUsedBy("edge-1", "secrets", "other", "registry"));
});

test("a node stops needing an object when its last pod that refers to it is gone or changed", () => {
  const index = new PodIndex();
  const uses = { volumes: [{ name: "v", configMap: { name: "settings" } }] };
  index.set(pod("one", "edge-1", uses));
  index.set(pod("two", "edge-1", uses));
  index.delete("plant", "one");
  assert.ok(index.isUsedBy("edge-1", "configMaps", "plant", "settings"));
  index.set(pod("two", "edge-1"));
  assert.ok(!index.isUsedBy("edge-1", "configMaps", "plant", "settings"));
  assert.deepEqual(
    [...index.podsOf("edge-1")].map((indexed) => indexed.name),
    ["two"],
  );
});

test("a pod that is not bound to a node is in no index", () => {
  const index = new PodIndex();
  index.set(pod("waiting", undefined, { imagePullSecrets: [{ name: "registry" }] }));
  assert.deepEqual([...index.nodesUsing("secrets", "plant", "registry")], []);
});
