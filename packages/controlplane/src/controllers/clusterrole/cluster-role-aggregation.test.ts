import assert from "node:assert/strict";
import { test } from "node:test";
import { clusterRoles, type KubernetesObject } from "@skerry/api";
import { silentLogger } from "@skerry/base";
import { systemClock, systemRandom } from "@skerry/base/platform";
import { startTestApiServer, type TestApiServer } from "../../testing/test-api-server.ts";
import { aggregatedRules, type ClusterRole } from "./aggregated-rules.ts";
import { ClusterRoleAggregationController } from "./cluster-role-aggregation-controller.ts";

const RBAC = "/apis/rbac.authorization.k8s.io/v1";
const apiVersion = "rbac.authorization.k8s.io/v1";

const pods = { apiGroups: [""], resources: ["pods"], verbs: ["get"] };
const nodes = { apiGroups: [""], resources: ["nodes"], verbs: ["get"] };
const role = (name: string, content: Partial<ClusterRole>, labels: Record<string, string> = {}): ClusterRole => ({
  ...{ apiVersion, kind: "ClusterRole", metadata: { name, labels } },
  ...content,
});

test("an aggregated role has each rule of those that its selectors match once, by their names, not its own", () => {
  const own = role(
    "all",
    {
      rules: [nodes],
      aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: "1" } }, { matchLabels: { b: "1" } }] },
    },
    { a: "1" },
  );
  const others = [
    role("z", { rules: [nodes, pods] }, { a: "1" }),
    role("y", { rules: [pods] }, { a: "1", b: "1" }),
    role("x", { rules: [{ ...pods, verbs: ["delete"] }] }, { c: "1" }),
  ];
  assert.deepEqual(aggregatedRules(own, [own, ...others]), [pods, nodes]);
  assert.equal(aggregatedRules({ ...own, rules: [pods, nodes] }, [own, ...others]), undefined);
  assert.equal(aggregatedRules(role("plain", { rules: [pods] }), others), undefined);
  const unclear = { clusterRoleSelectors: [{ matchExpressions: [{ key: "a", operator: "In" as const, values: [] }] }] };
  assert.deepEqual(aggregatedRules(role("unclear", { rules: [pods], aggregationRule: unclear }), others), []);
});

async function withController(): Promise<TestApiServer> {
  const server = await startTestApiServer();
  const ports = { api: server.api, clock: systemClock, random: systemRandom, logger: silentLogger };
  const controller = new ClusterRoleAggregationController(ports);
  controller.start();
  return {
    ...server,
    async [Symbol.asyncDispose]() {
      await controller[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** Waits until it holds; the test's own time limit is the only one. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5));
}

test("who has `view` sees custom resources once their author has labelled a role for it, until it is gone", async () => {
  await using server = await withController();
  await server.call("POST", `${RBAC}/namespaces/default/rolebindings`, {
    body: {
      apiVersion,
      kind: "RoleBinding",
      metadata: { name: "jane" },
      roleRef: { kind: "ClusterRole", name: "view" },
      subjects: [{ kind: "User", name: "jane" }],
    },
  });
  const maySee = async (resource: string, group: string): Promise<boolean> => {
    const resourceAttributes = { namespace: "default", verb: "list", group, resource };
    const body = { apiVersion: "authorization.k8s.io/v1", spec: { user: "jane", resourceAttributes } };
    const review = await server.call("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", { body });
    return (review.body["status"] as { allowed: boolean }).allowed;
  };
  await until(() => maySee("pods", ""));
  assert.equal(await maySee("secrets", ""), false);
  assert.equal(await maySee("widgets", "example.io"), false);
  const widgets = { apiGroups: ["example.io"], resources: ["widgets"], verbs: ["list"] };
  const labels = { "rbac.authorization.k8s.io/aggregate-to-view": "true" };
  await server.api.create<KubernetesObject>({ resource: clusterRoles }, role("widgets", { rules: [widgets] }, labels));
  await until(() => maySee("widgets", "example.io"));
  // `admin` has it by `edit`, which has it by `view`.
  const has = async (name: string): Promise<boolean> => {
    const { rules } = await server.api.get<ClusterRole>({ resource: clusterRoles, name });
    return rules?.some((rule) => JSON.stringify(rule["resources"]) === '["widgets"]') === true;
  };
  await until(() => has("admin"));
  await server.api.delete({ resource: clusterRoles, name: "widgets" });
  await until(async () => !(await maySee("widgets", "example.io")));
  await until(async () => !(await has("admin")));
  assert.equal(await maySee("pods", ""), true);
});

test("what somebody writes into an aggregated role does not stay", async () => {
  await using server = await withController();
  const at = { resource: clusterRoles, name: "view" };
  const count = async (): Promise<number> => (await server.api.get<ClusterRole>(at)).rules?.length ?? 0;
  await until(async () => (await count()) > 5);
  await server.api.patch(at, { type: "merge", body: { rules: [nodes] } });
  await until(async () => (await count()) > 5);
});
