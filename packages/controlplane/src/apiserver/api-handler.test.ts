import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestApiServer } from "../testing/test-api-server.ts";
import { negotiate } from "./negotiation.ts";
import { parseResourcePath } from "./resource-path.ts";

test("paths are split as the Kubernetes API means them", () => {
  const parts = (path: string): string => {
    const parsed = parseResourcePath(path);
    if (parsed.kind === "other") return "other";
    const { group, version, namespace, resource, name, subresource, watch } = parsed;
    return [group, version, namespace, resource, name, subresource, watch ? "watch" : ""].join("|");
  };
  assert.equal(parts("/api/v1/pods"), "|v1||pods|||");
  assert.equal(parts("/api/v1/namespaces/a/pods/b/status"), "|v1|a|pods|b|status|");
  assert.equal(parts("/api/v1/namespaces/a"), "|v1||namespaces|a||");
  assert.equal(parts("/api/v1/namespaces/a/finalize"), "|v1||namespaces|a|finalize|");
  assert.equal(parts("/apis/apps/v1/watch/namespaces/a/deployments/b"), "apps|v1|a|deployments|b||watch");
  assert.equal(parts("/api/v1/namespaces/a%2Fb/pods"), "|v1|a/b|pods|||");
  assert.equal(parts("/apis/apps/v1"), "other");
  assert.equal(parts("/api/v1/pods/a/b/c/d"), "other");
  assert.throws(() => parseResourcePath("/api/v1/%zz"), { name: "ApiError" });
});

test("the first form in Accept that there is wins; only other forms get 406", () => {
  assert.equal(negotiate(undefined), "object");
  assert.equal(negotiate("application/vnd.kubernetes.protobuf,application/json"), "object");
  assert.equal(negotiate("application/json;as=Table;v=v1;g=meta.k8s.io,application/json"), "table");
  assert.equal(negotiate("application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json"), "object");
  assert.equal(negotiate("application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"), "partial-metadata");
  assert.throws(() => negotiate("application/vnd.kubernetes.protobuf"), { name: "ApiError" });
});

test("aggregated discovery and the old form name the same resources", async () => {
  await using server = await startTestApiServer();
  const accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
  const aggregated = await server.call("GET", "/apis", { headers: { accept } });
  const items = aggregated.body["items"] as {
    metadata: { name: string };
    versions: { version: string; resources: { resource: string; subresources?: { subresource: string }[] }[] }[];
  }[];
  const plain = await server.call("GET", "/apis");
  assert.deepEqual(
    items.map((item) => item.metadata.name),
    (plain.body["groups"] as { name: string }[]).map(({ name }) => name),
  );
  for (const { metadata, versions } of items)
    for (const { version, resources } of versions) {
      const { body } = await server.call("GET", `/apis/${metadata.name}/${version}`);
      const names = resources.flatMap(({ resource, subresources = [] }) => [
        resource,
        ...subresources.map(({ subresource }) => `${resource}/${subresource}`),
      ]);
      assert.deepEqual(
        (body["resources"] as { name: string }[]).map(({ name }) => name),
        names,
      );
    }
});

test("unknown groups, versions, resources and subresources get 404", async () => {
  await using server = await startTestApiServer();
  for (const path of [
    "/apis/nosuch.io/v1",
    "/apis/apps/v2",
    "/api/v1/nosuch",
    "/api/v1/namespaces/default/pods/x/nosuch",
    "/api/v1/namespaces/default/configmaps/x/log",
    "/api/v1/pods/x",
    "/api/v1/namespaces/default/nodes",
    "/logs",
  ])
    assert.equal((await server.send("GET", path)).status, 404, path);
});

test("kubectl logs, exec, attach and port-forward are told, without a way to CloudCore, what is missing and where the logs are", async () => {
  await using server = await startTestApiServer();
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "x" },
    spec: { containers: [{ name: "c", image: "i" }] },
  };
  assert.equal((await server.send("POST", "/api/v1/namespaces/default/pods", { body: pod })).status, 201);
  for (const stream of ["log", "exec", "attach", "portforward"]) {
    const { status, body } = await server.call("GET", `/api/v1/namespaces/default/pods/x/${stream}`);
    assert.equal(status, 501);
    assert.equal(body["reason"], "NotImplemented");
    assert.match(String(body["message"]), new RegExp(`pods/${stream} here: .*--kubelet-endpoint.*pod-logs`));
  }
});

test("methods and bodies that make no sense get a clear refusal", async () => {
  await using server = await startTestApiServer();
  const cases: [string, string, object, number][] = [
    ["POST", "/api/v1/namespaces/default/pods/x", { body: {} }, 405],
    ["PUT", "/api/v1/namespaces/default/pods", { body: {} }, 405],
    ["DELETE", "/api/v1/namespaces/default/pods/x/status", {}, 405],
    ["POST", "/api/v1/pods", { body: {} }, 400],
    ["POST", "/api/v1/namespaces/default/pods", { body: new Uint8Array([123]) }, 400],
    ["POST", "/api/v1/namespaces/default/pods", { body: [] }, 400],
    ["POST", "/api/v1/namespaces/default/pods", { body: {}, contentType: "text/html" }, 415],
    ["PATCH", "/api/v1/namespaces/default/pods/x", { body: {}, contentType: "application/json" }, 415],
    ["GET", "/api/v1/pods?limit=many", {}, 400],
    ["GET", "/api/v1/pods?continue=bad", {}, 400],
    ["GET", "/api/v1/pods?fieldSelector=bad.field%3Dx", {}, 400],
    ["DELETE", "/api/v1/namespaces/default/pods/x?propagationPolicy=Sideways", {}, 422],
    ["POST", "/api/v1/namespaces?dryRun=Some", { body: {} }, 422],
  ];
  for (const [method, path, request, status] of cases)
    assert.equal((await server.send(method, path, request)).status, status, `${method} ${path}`);
});

test("a watch sends Table rows, the columns only once, and the present state first when asked", async () => {
  await using server = await startTestApiServer();
  const url =
    "/api/v1/namespaces?watch=true&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan";
  const { body } = await server.send("GET", url, {
    headers: { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" },
  });
  assert.notEqual(typeof body, "string");
  const lines: { type: string; object: { columnDefinitions: unknown; rows: { cells: unknown[] }[] } }[] = [];
  for await (const line of body as AsyncIterable<string>) {
    lines.push(JSON.parse(line));
    if (lines.at(-1)?.type === "BOOKMARK") break;
  }
  assert.deepEqual(
    lines.slice(0, -1).map((line) => line.object.rows[0]?.cells[0]),
    ["default", "kube-node-lease", "kube-public", "kube-system"],
  );
  assert.ok(Array.isArray(lines[0]?.object.columnDefinitions));
  assert.equal(lines[1]?.object.columnDefinitions, null);
});

test("events are the same objects under core and under events.k8s.io", async () => {
  await using server = await startTestApiServer();
  await server.call("POST", "/api/v1/namespaces/default/events", {
    body: {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name: "e" },
      involvedObject: { kind: "Pod", name: "p", namespace: "default" },
      message: "hello",
      source: { component: "test" },
    },
  });
  const { body } = await server.call("GET", "/apis/events.k8s.io/v1/namespaces/default/events/e");
  assert.equal(body["note"], "hello");
  assert.deepEqual(body["regarding"], { kind: "Pod", name: "p", namespace: "default" });
  const selected = await server.call("GET", "/api/v1/namespaces/default/events?fieldSelector=involvedObject.name%3Dp");
  assert.equal((selected.body["items"] as unknown[]).length, 1);
});

test("an object may be sent as YAML", async () => {
  await using server = await startTestApiServer();
  const body = new TextEncoder().encode("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  key: value\n");
  const url = "/api/v1/namespaces/default/configmaps";
  const made = await server.call("POST", url, { body, contentType: "application/yaml" });
  assert.equal(made.status, 201);
  assert.deepEqual(made.body["data"], { key: "value" });
  const list = new TextEncoder().encode("- a\n");
  assert.equal((await server.call("POST", url, { body: list, contentType: "application/yaml" })).status, 400);
});
