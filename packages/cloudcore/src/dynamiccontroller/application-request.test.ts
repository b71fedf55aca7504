import assert from "node:assert/strict";
import { test } from "node:test";
import { toBase64 } from "@skerry/base";
import type { Application } from "@skerry/link";
import { requestOf } from "./application-request.ts";

function request(changes: Partial<Application>): unknown {
  const plain = { id: "1", key: "/core/v1/pods/default/p1", verb: "get", nodeName: "", option: {}, subresource: "" };
  return requestOf({ ...plain, ...changes } as Application);
}

test("each verb becomes the API server's own request", () => {
  assert.deepEqual(request({}), { method: "GET", path: "/api/v1/namespaces/default/pods/p1" });
  assert.deepEqual(request({ key: "/core/v1/nodes/null/n1" }), { method: "GET", path: "/api/v1/nodes/n1" });
  assert.deepEqual(
    request({
      verb: "list",
      key: "/apps/v1/deployments/null/null",
      option: { labelSelector: "a=b", limit: 5, watch: true },
    }),
    { method: "GET", path: "/apis/apps/v1/deployments", query: { labelSelector: "a=b", limit: "5" } },
  );
  const body = "{}";
  const option = { fieldManager: "m", dryRun: ["All"] };
  const query = { fieldManager: "m", dryRun: "All" };
  assert.deepEqual(request({ verb: "create", key: "/core/v1/pods/default/null", requestBody: body, option }), {
    method: "POST",
    path: "/api/v1/namespaces/default/pods",
    query,
    body,
  });
  assert.deepEqual(request({ verb: "create", subresource: "eviction", requestBody: body }), {
    method: "POST",
    path: "/api/v1/namespaces/default/pods/p1/eviction",
    query: {},
    body,
  });
  assert.deepEqual(request({ verb: "updatestatus", requestBody: body }), {
    method: "PUT",
    path: "/api/v1/namespaces/default/pods/p1/status",
    query: {},
    body,
  });
  assert.deepEqual(request({ verb: "delete", option: { gracePeriodSeconds: 0 } }), {
    method: "DELETE",
    path: "/api/v1/namespaces/default/pods/p1",
    body: '{"gracePeriodSeconds":0,"kind":"DeleteOptions","apiVersion":"v1"}',
  });
});

test("a patch keeps its own form, name and options", () => {
  const option = {
    Name: "p1",
    PatchType: "application/merge-patch+json",
    Data: toBase64(Buffer.from('{"a":1}')),
    Options: { fieldManager: "m", force: true },
    Subresources: ["status"],
  };
  assert.deepEqual(request({ verb: "patch", option }), {
    method: "PATCH",
    path: "/api/v1/namespaces/default/pods/p1/status",
    query: { fieldManager: "m", force: "true" },
    body: '{"a":1}',
    contentType: "application/merge-patch+json",
  });
});

test("questions about the API server itself are passed through, by GET only", () => {
  for (const path of [
    "/version",
    "/api",
    "/apis",
    "/api/v1",
    "/apis/apps",
    "/apis/apps/v1",
    "/openapi/v2",
    "/openapi/v3",
    "/healthz",
  ])
    assert.deepEqual(request({ key: path }), { method: "GET", path });
  for (const changes of [
    { key: "/version", verb: "create", requestBody: "{}" },
    { key: "/metrics" },
    { key: "/api/v1/secrets" },
    { key: "/apis/../api/v1/secrets" },
    { key: "/logs/" },
  ] as const)
    assert.equal(request(changes), undefined, changes.key);
});

test("a key cannot lead to anything but one collection or object", () => {
  for (const key of [
    "",
    "/",
    "core/v1/pods/default/p1",
    "/core/v1/pods/default",
    "/core/v1/pods/default/p1/log",
    "/core/v1//default/p1",
    "/core/../pods/default/p1",
    "/core/v1/pods?x=1/default/p1",
    `/core/v1/pods/default/${"x".repeat(2_000)}`,
  ])
    assert.equal(request({ key }), undefined, key);
  assert.throws(() => request({ key: "/core/v1/pods/../p1" }), /no namespace/);
  assert.deepEqual(request({ key: "/core/v1/pods/a?b/p#1" }), {
    method: "GET",
    path: "/api/v1/namespaces/a%3Fb/pods/p%231",
  });
  assert.equal(request({ verb: "get", key: "/core/v1/pods/default/null" }), undefined);
  assert.equal(request({ subresource: "../x" }), undefined);
});
