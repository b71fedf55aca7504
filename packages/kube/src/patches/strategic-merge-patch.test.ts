import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "@skerry/base";
import fc from "fast-check";
import { ApiError, isApiError } from "../api-error.ts";
import { applyPatch } from "./apply-patch.ts";
import { jsonEqual } from "./json-merge-patch.ts";
import { createStrategicMergePatch } from "./strategic-merge-diff.ts";
import { applyStrategicMergePatch } from "./strategic-merge-patch.ts";

const pod = (rest: JsonObject): JsonObject => ({ apiVersion: "v1", kind: "Pod", ...rest });
const patched = (original: JsonObject, patch: JsonObject): JsonObject => {
  const { apiVersion: _, kind: __, ...rest } = applyStrategicMergePatch(pod(original), patch);
  return rest;
};

test("containers merge by name, new ones first; env merges by name", () => {
  assert.deepEqual(
    patched(
      { spec: { containers: [{ name: "a", image: "1", env: [{ name: "X", value: "1" }] }] } },
      {
        spec: {
          containers: [
            { name: "a", env: [{ name: "Y", value: "2" }] },
            { name: "b", image: "2" },
          ],
        },
      },
    ),
    {
      spec: {
        containers: [
          {
            name: "a",
            image: "1",
            env: [
              { name: "Y", value: "2" },
              { name: "X", value: "1" },
            ],
          },
          { name: "b", image: "2" },
        ],
      },
    },
  );
});

test("$patch delete removes one item, $patch replace the whole list or object", () => {
  const original = { spec: { containers: [{ name: "a" }, { name: "b" }], securityContext: { runAsUser: 1 } } };
  assert.deepEqual(patched(original, { spec: { containers: [{ name: "a", $patch: "delete" }] } }), {
    spec: { containers: [{ name: "b" }], securityContext: { runAsUser: 1 } },
  });
  assert.deepEqual(patched(original, { spec: { containers: [{ $patch: "replace" }, { name: "c" }] } }), {
    spec: { containers: [{ name: "c" }], securityContext: { runAsUser: 1 } },
  });
  assert.deepEqual(patched(original, { spec: { $patch: "replace", securityContext: { fsGroup: 2 } } }), {
    spec: { securityContext: { fsGroup: 2 } },
  });
  assert.deepEqual(patched(original, { spec: { securityContext: { $patch: "delete" } } }), {
    spec: { containers: [{ name: "a" }, { name: "b" }], securityContext: {} },
  });
});

test("$setElementOrder orders a merged list, items only the server knows keep their place", () => {
  assert.deepEqual(
    patched(
      { status: { conditions: [{ type: "Ready", status: "False" }, { type: "Extra" }, { type: "Initialized" }] } },
      {
        status: {
          "$setElementOrder/conditions": [{ type: "Initialized" }, { type: "Ready" }],
          conditions: [{ type: "Ready", status: "True" }],
        },
      },
    ),
    { status: { conditions: [{ type: "Extra" }, { type: "Initialized" }, { type: "Ready", status: "True" }] } },
  );
});

test("$setElementOrder alone reorders", () => {
  assert.deepEqual(
    patched(
      { spec: { containers: [{ name: "a" }, { name: "b" }] } },
      { spec: { "$setElementOrder/containers": [{ name: "b" }, { name: "a" }] } },
    ),
    { spec: { containers: [{ name: "b" }, { name: "a" }] } },
  );
});

test("plain lists merge as sets and lose what $deleteFromPrimitiveList names", () => {
  assert.deepEqual(
    patched(
      { metadata: { finalizers: ["a", "b"] } },
      {
        metadata: {
          "$deleteFromPrimitiveList/finalizers": ["a"],
          finalizers: ["c"],
          "$setElementOrder/finalizers": ["b", "c"],
        },
      },
    ),
    { metadata: { finalizers: ["b", "c"] } },
  );
});

test("$retainKeys removes what it does not name", () => {
  const deployment = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    spec: { strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1 } } },
  };
  assert.deepEqual(
    applyStrategicMergePatch(deployment, { spec: { strategy: { $retainKeys: ["type"], type: "Recreate" } } })["spec"],
    { strategy: { type: "Recreate" } },
  );
});

test("null removes a member, lists without a merge key are replaced", () => {
  assert.deepEqual(
    patched(
      { spec: { nodeName: "a", tolerations: [{ key: "x" }] } },
      { spec: { nodeName: null, tolerations: [{ key: "y" }] } },
    ),
    { spec: { tolerations: [{ key: "y" }] } },
  );
});

test("the edge's first status patch, the text {}, changes nothing", () => {
  assert.deepEqual(patched({ status: { phase: "Pending" } }, {}), { status: { phase: "Pending" } });
});

test("an item without its merge key and an unknown directive are a BadRequest", () => {
  for (const patch of [
    { spec: { containers: [{ image: "x" }] } },
    { spec: { $patch: "grow" } },
    { metadata: { $retainKeys: 1 } },
  ])
    assert.throws(
      () => applyStrategicMergePatch(pod({}), patch),
      (error) => isApiError(error, "BadRequest"),
    );
});

test("a strategic patch of a custom resource is refused with 415", () => {
  const device = { apiVersion: "devices.kubeedge.io/v1beta1", kind: "Device", metadata: { name: "a" } };
  assert.throws(
    () => applyPatch(device, { type: "strategic", body: {} }),
    (error) => error instanceof ApiError && error.httpStatus === 415,
  );
});

test("a created strategic patch turns one pod into the other", () => {
  const word = fc.constantFrom("a", "b", "c", "d");
  const container = fc.record(
    {
      name: word,
      image: word,
      args: fc.array(word, { maxLength: 2 }),
      env: fc.uniqueArray(fc.record({ name: word, value: word }), { selector: (item) => item.name, maxLength: 3 }),
    },
    { requiredKeys: ["name"] },
  );
  const condition = fc.record({ type: word, status: word, reason: word }, { requiredKeys: ["type"] });
  const anyPod = fc.record({
    metadata: fc.record({ finalizers: fc.uniqueArray(word), labels: fc.dictionary(word, word) }, { requiredKeys: [] }),
    spec: fc.record(
      { containers: fc.uniqueArray(container, { selector: (item) => item.name }), nodeName: word },
      { requiredKeys: ["containers"] },
    ),
    status: fc.record(
      { conditions: fc.uniqueArray(condition, { selector: (item) => item.type }) },
      { requiredKeys: [] },
    ),
  });
  fc.assert(
    fc.property(anyPod, anyPod, (from, to) => {
      const patch = createStrategicMergePatch(pod(from), pod(to));
      const result = applyStrategicMergePatch(pod(from), patch);
      assert.ok(jsonEqual(result, pod(to)), JSON.stringify({ patch, result }));
    }),
    { numRuns: 300 },
  );
});
