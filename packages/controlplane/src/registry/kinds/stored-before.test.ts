import assert from "node:assert/strict";
import { test } from "node:test";
import { SqliteDatabase } from "@skerry/store/platform";
import { startTestApiServer } from "../../testing/test-api-server.ts";
import { asApiObject } from "../api-object.ts";
import { ObjectStore } from "../object-store.ts";
import { storeMigrations } from "../store-session.ts";

const MERGE = "application/merge-patch+json";

test("an object that was stored before a rule was there takes labels and can be deleted, and is held to the rule when it changes", async () => {
  await using database = new SqliteDatabase({ path: ":memory:", migrations: storeMigrations });
  await using server = await startTestApiServer({ database });
  const url = "/apis/policy/v1/namespaces/default/poddisruptionbudgets/x";
  const key = { resource: "policy/poddisruptionbudgets", namespace: "default", name: "x" };
  await new ObjectStore(database).write((session) =>
    session.put(
      key,
      asApiObject({
        apiVersion: "policy/v1",
        kind: "PodDisruptionBudget",
        metadata: { name: "x", namespace: "default", uid: "u", finalizers: ["no domain !!"] },
        spec: { minAvailable: "abc", selector: {} },
      }),
    ),
  );
  const patch = (body: object): ReturnType<typeof server.call> =>
    server.call("PATCH", url, { body, contentType: MERGE });
  const labelled = await patch({ metadata: { labels: { a: "b" } } });
  assert.equal(labelled.status, 200, JSON.stringify(labelled.body));
  assert.equal((await patch({ spec: { selector: { matchLabels: { app: "x" } } } })).status, 422);
  assert.equal((await patch({ spec: { minAvailable: 1 } })).status, 200);
  assert.equal((await server.call("DELETE", url)).status, 200);
  assert.equal((await patch({ metadata: { finalizers: null } })).status, 200);
  assert.equal((await server.call("GET", url)).status, 404);
});

test("a PriorityClass preempts unless it says otherwise, and one that was stored without saying so can be changed", async () => {
  await using database = new SqliteDatabase({ path: ":memory:", migrations: storeMigrations });
  await using server = await startTestApiServer({ database });
  const url = "/apis/scheduling.k8s.io/v1/priorityclasses";
  const answer = await server.call("POST", url, { body: { metadata: { name: "new" }, value: 5 } });
  assert.equal(answer.body["preemptionPolicy"], "PreemptLowerPriority");
  const kind = { apiVersion: "scheduling.k8s.io/v1", kind: "PriorityClass" };
  const key = { resource: "scheduling.k8s.io/priorityclasses", namespace: "", name: "old" };
  await new ObjectStore(database).write((session) =>
    session.put(key, asApiObject({ ...kind, metadata: { name: "old", uid: "u" }, value: 5 })),
  );
  const patch = async (body: object): Promise<number> =>
    (await server.call("PATCH", `${url}/old`, { body, contentType: MERGE })).status;
  assert.equal(await patch({ description: "for what matters" }), 200);
  assert.equal(await patch({ preemptionPolicy: "Never" }), 422);
});

test("a Service that was stored with families other than its addresses' can be changed, and gets theirs", async () => {
  await using database = new SqliteDatabase({ path: ":memory:", migrations: storeMigrations });
  await using server = await startTestApiServer({ database });
  const cases: [name: string, spec: object, policy: string, families: string[]][] = [
    ["six", { ipFamilies: ["IPv6"], ipFamilyPolicy: "SingleStack" }, "SingleStack", ["IPv4"]],
    ["no-policy", { ipFamilies: ["IPv6"] }, "SingleStack", ["IPv4"]],
    [
      "six-first",
      { ipFamilies: ["IPv6", "IPv4"], ipFamilyPolicy: "PreferDualStack" },
      "PreferDualStack",
      ["IPv4", "IPv6"],
    ],
  ];
  for (const [index, [name, spec, policy, families]] of cases.entries()) {
    const clusterIP = `10.96.5.${index + 1}`;
    await new ObjectStore(database).write((session) =>
      session.put(
        { resource: "/services", namespace: "default", name },
        asApiObject({
          apiVersion: "v1",
          kind: "Service",
          metadata: { name, namespace: "default", uid: `u${index}`, finalizers: ["example.com/x"] },
          spec: { type: "ClusterIP", ports: [{ port: 80 }], clusterIP, clusterIPs: [clusterIP], ...spec },
        }),
      ),
    );
    const url = `/api/v1/namespaces/default/services/${name}`;
    const patch = (body: object): ReturnType<typeof server.call> =>
      server.call("PATCH", url, { body, contentType: MERGE });
    const labelled = await patch({ metadata: { labels: { a: "b" } } });
    assert.equal(labelled.status, 200, JSON.stringify(labelled.body));
    const mended = labelled.body["spec"] as { clusterIP: string; ipFamilies: string[]; ipFamilyPolicy: string };
    assert.deepEqual([mended.clusterIP, mended.ipFamilyPolicy, mended.ipFamilies], [clusterIP, policy, families]);
    assert.equal((await patch({ spec: { ipFamilies: ["IPv6"] } })).status, 422);
    assert.equal((await server.call("DELETE", url)).status, 200);
    assert.equal((await patch({ metadata: { finalizers: null } })).status, 200);
    assert.equal((await server.call("GET", url)).status, 404);
  }
});

test("a Service's address is another's also where it was stored in another way of writing", async () => {
  await using database = new SqliteDatabase({ path: ":memory:", migrations: storeMigrations });
  await using server = await startTestApiServer({ database });
  const url = "/api/v1/namespaces/default/services";
  const create = (name: string, clusterIP: string): ReturnType<typeof server.call> =>
    server.call("POST", url, { body: { metadata: { name }, spec: { ports: [{ port: 80 }], clusterIP } } });
  assert.equal((await create("one", "fd00:10:96:0::77")).status, 201);
  for (const same of ["fd00:10:96::77", "FD00:10:96:0:0::77"]) assert.equal((await create("two", same)).status, 422);
});
