import assert from "node:assert/strict";
import { test } from "node:test";
import { clusterRoles, type KubernetesObject } from "@skerry/api";
import { silentLogger } from "@skerry/base";
import { systemClock, systemRandom } from "@skerry/base/platform";
import { SqliteDatabase } from "@skerry/store/platform";
import { ClusterRoleAggregationController } from "../controllers/clusterrole/cluster-role-aggregation-controller.ts";
import { storeMigrations } from "../registry/store-session.ts";
import { startTestApiServer, type TestApiServer } from "../testing/test-api-server.ts";

interface Role extends KubernetesObject {
  readonly rules?: readonly { readonly resources?: readonly string[] }[];
  readonly aggregationRule?: object;
}

const at = (name: string): { resource: typeof clusterRoles; name: string } => ({ resource: clusterRoles, name });

/** Makes `name` what it was before it was put together from others, with a rule that somebody has added. */
async function makeOld(server: TestApiServer, name: string, annotations: object): Promise<void> {
  await server.api.delete(at(`system:aggregate-to-${name}`));
  const rule = (resource: string): object => ({ apiGroups: [""], resources: [resource], verbs: ["get"] });
  const body = { metadata: { annotations }, aggregationRule: null, rules: [rule("pods"), rule("widgets")] };
  await server.api.patch(at(name), { type: "merge", body: JSON.parse(JSON.stringify(body)) });
}

const has = ({ rules = [] }: Role, resource: string): boolean =>
  rules.some(({ resources }) => resources?.includes(resource) === true);

test("rules that somebody added to `edit` when it was not aggregated stay in it after an upgrade", async () => {
  await using database = new SqliteDatabase({ path: ":memory:", migrations: storeMigrations });
  {
    await using old = await startTestApiServer({ database });
    await makeOld(old, "edit", {});
    await makeOld(old, "view", { "rbac.authorization.kubernetes.io/autoupdate": "false" });
  }
  await using server = await startTestApiServer({ database });
  const ports = { api: server.api, clock: systemClock, random: systemRandom, logger: silentLogger };
  await using controller = new ClusterRoleAggregationController(ports);
  controller.start();
  const get = (name: string): Promise<Role> => server.api.get<Role>(at(name));
  const part = await get("system:aggregate-to-edit");
  assert.equal(part.metadata.labels?.["rbac.authorization.k8s.io/aggregate-to-edit"], "true");
  assert.ok(has(part, "widgets") && has(part, "pods/eviction"));
  // It has had the added one all the time; with this one it is put together.
  while (!has(await get("edit"), "pods/eviction")) await new Promise((resolve) => setTimeout(resolve, 5));
  const edit = await get("edit");
  assert.ok(edit.aggregationRule && has(edit, "widgets"));
  const view = await get("view");
  assert.ok(!view.aggregationRule && has(view, "widgets") && !has(view, "configmaps"));
  assert.equal(has(await get("system:aggregate-to-view"), "widgets"), false);
});
