import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestApiServer, type TestApiServer } from "../../testing/test-api-server.ts";

const CORE = "/api/v1/namespaces/default";
const APPS = "/apis/apps/v1/namespaces/default";
const RBAC = "/apis/rbac.authorization.k8s.io/v1";

/** What a new object is refused with, without the words before its first member; nothing when it is not. */
async function refusalOf(server: TestApiServer, url: string, body: object, name = "x"): Promise<string> {
  const answer = await server.call("POST", `${url}?dryRun=All`, { body: { metadata: { name }, ...body } });
  if (answer.status === 201) return "";
  return `${answer.status} ${String(answer.body["message"]).replace(/^.* is invalid: /, "")}`;
}

/** Each object with the beginning of what it is refused with; empty when it is taken. */
type Cases = readonly (readonly [url: string, body: object, refusal: string, name?: string])[];

async function check(cases: Cases): Promise<void> {
  await using server = await startTestApiServer();
  for (const [url, body, refusal, name] of cases) {
    const told = await refusalOf(server, url, body, name);
    assert.equal(refusal === "" ? told : told.slice(0, refusal.length), refusal, JSON.stringify(body));
  }
}

const TEMPLATE = { metadata: { labels: { app: "x" } }, spec: { containers: [{ name: "c", image: "i" }] } };
const WORKLOAD = { selector: { matchLabels: { app: "x" } }, template: TEMPLATE };

test("a Secret is refused when its data is no base64 or too much", () =>
  check([
    [
      `${CORE}/secrets`,
      { data: { password: "my secret!" } },
      '400 Secret in version "v1" cannot be handled as a Secret: illegal base64 data at input byte 2',
    ],
    [`${CORE}/secrets`, { stringData: { password: "my secret!" } }, ""],
    [
      `${CORE}/configmaps`,
      { data: { a: "x".repeat(1_048_577) } },
      "422 : Too long: may not be more than 1048576 bytes",
    ],
    [
      `${CORE}/secrets`,
      { stringData: { a: "x".repeat(1_048_577) } },
      "422 data: Too long: may not be more than 1048576 bytes",
    ],
    [`${CORE}/configmaps`, { data: { a: "x".repeat(1_048_576) } }, ""],
  ]));

test("a workload is refused when its selector is empty or its roll-out can never go on", () =>
  check([
    [`${APPS}/deployments`, { spec: WORKLOAD }, ""],
    [`${APPS}/daemonsets`, { spec: WORKLOAD }, ""],
    [`${APPS}/statefulsets`, { spec: WORKLOAD }, ""],
    [
      `${APPS}/daemonsets`,
      { spec: { ...WORKLOAD, selector: { matchLabels: {} } } },
      '422 spec.selector: Invalid value: {"matchLabels":{}}: empty selector is invalid for daemonset',
    ],
    [
      `${APPS}/daemonsets`,
      { spec: { ...WORKLOAD, updateStrategy: { rollingUpdate: { maxUnavailable: 0 } } } },
      "422 spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when maxSurge is 0",
    ],
    [
      `${APPS}/daemonsets`,
      { spec: { ...WORKLOAD, updateStrategy: { rollingUpdate: { maxSurge: 1 } } } },
      "422 spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero",
    ],
    [
      `${APPS}/deployments`,
      { spec: { ...WORKLOAD, strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: "0%" } } } },
      '422 spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0',
    ],
    [
      `${APPS}/deployments`,
      { spec: { ...WORKLOAD, strategy: { type: "Recreate", rollingUpdate: {} } } },
      "422 spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
    ],
    [
      `${APPS}/deployments`,
      { spec: { ...WORKLOAD, progressDeadlineSeconds: 5, minReadySeconds: 5 } },
      "422 spec.progressDeadlineSeconds: Invalid value: 5: must be greater than minReadySeconds",
    ],
    [
      `${APPS}/statefulsets`,
      { spec: { ...WORKLOAD, updateStrategy: { type: "OnDelete", rollingUpdate: { partition: 1 } } } },
      '422 spec.updateStrategy.rollingUpdate: Invalid value: {"partition":1}: only allowed for updateStrategy \'RollingUpdate\'',
    ],
    [
      "/apis/batch/v1/namespaces/default/jobs",
      {
        spec: { template: { spec: { ...TEMPLATE.spec, restartPolicy: "Never" } }, ttlSecondsAfterFinished: -1 },
      },
      "422 spec.ttlSecondsAfterFinished: Invalid value: -1: must be greater than or equal to 0",
    ],
  ]));

test("volumes and claims are refused without modes, size or a source of their own", () => {
  const claim = (spec: object): object => ({
    spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } }, ...spec },
  });
  const volume = (spec: object): object => ({
    spec: { accessModes: ["ReadWriteOnce"], capacity: { storage: "1Gi" }, hostPath: { path: "/a" }, ...spec },
  });
  const [claims, volumes] = [`${CORE}/persistentvolumeclaims`, "/api/v1/persistentvolumes"];
  return check([
    [claims, claim({}), ""],
    [volumes, volume({}), ""],
    [claims, claim({ accessModes: [] }), "422 spec.accessModes: Required value: at least 1 access mode is required"],
    [
      claims,
      claim({ accessModes: ["Foo"] }),
      '422 spec.accessModes: Unsupported value: "Foo": supported values: "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"',
    ],
    [claims, claim({ resources: {} }), "422 spec.resources[storage]: Required value"],
    [
      claims,
      claim({ resources: { requests: { storage: "0" } } }),
      '422 spec.resources[storage]: Invalid value: "0": must be greater than zero',
    ],
    [
      volumes,
      volume({ capacity: {} }),
      '422 [spec.capacity: Required value, spec.capacity: Unsupported value: {}: supported values: "storage"]',
    ],
    [
      volumes,
      volume({ nfs: { path: "/", server: "s" } }),
      "422 spec.nfs: Forbidden: may not specify more than 1 volume",
    ],
    [volumes, volume({ hostPath: null }), "422 spec: Required value: must specify a volume type"],
    [
      volumes,
      volume({ hostPath: null, local: { path: "/a" } }),
      "422 spec.nodeAffinity: Required value: Local volume requires node affinity",
    ],
  ]);
});

test("roles and bindings are refused when they give nothing, or to nobody", () => {
  const [roles, bindings] = [`${RBAC}/namespaces/default/roles`, `${RBAC}/namespaces/default/rolebindings`];
  const rule = { apiGroups: [""], resources: ["pods"], verbs: ["get"] };
  const roleRef = { kind: "ClusterRole", name: "view", apiGroup: "rbac.authorization.k8s.io" };
  const subjects = [{ kind: "ServiceAccount", name: "s" }];
  return check([
    [roles, { rules: [rule] }, ""],
    [
      roles,
      { rules: [{ ...rule, verbs: [] }] },
      "422 rules[0].verbs: Required value: verbs must contain at least one value",
    ],
    [
      roles,
      { rules: [{ ...rule, resources: [] }] },
      "422 rules[0].resources: Required value: resource rules must supply at least one resource",
    ],
    [
      roles,
      { rules: [{ verbs: ["get"], nonResourceURLs: ["/a"] }] },
      '422 rules[0].nonResourceURLs: Invalid value: ["/a"]: namespaced rules cannot apply to non-resource URLs',
    ],
    [bindings, { roleRef, subjects }, ""],
    [
      bindings,
      { roleRef: { ...roleRef, apiGroup: "x" }, subjects },
      '422 roleRef.apiGroup: Unsupported value: "x": supported values: "rbac.authorization.k8s.io"',
    ],
    [
      bindings,
      { roleRef, subjects: [{ kind: "Foo", name: "f" }] },
      '422 subjects[0].kind: Unsupported value: "Foo": supported values: "ServiceAccount", "User", "Group"',
    ],
    [`${RBAC}/clusterrolebindings`, { roleRef, subjects }, "422 subjects[0].namespace: Required value"],
  ]);
});

test("quotas and limit ranges are refused when nothing could be made in their namespace", () => {
  const [quotas, ranges] = [`${CORE}/resourcequotas`, `${CORE}/limitranges`];
  const limits = (limit: object): object => ({ spec: { limits: [{ type: "Container", ...limit }] } });
  return check([
    [
      quotas,
      {
        spec: { hard: { pods: "10", "requests.cpu": "1", "count/deployments.apps": "2" }, scopes: ["NotTerminating"] },
      },
      "",
    ],
    [
      quotas,
      { spec: { hard: { foo: "1" } } },
      '422 [spec.hard[foo]: Invalid value: "foo": must be a standard resource type or fully qualified, spec.hard[foo]: Invalid value: "foo": must be a standard resource for quota]',
    ],
    [
      quotas,
      { spec: { hard: { cpu: "-1" } } },
      '422 spec.hard[cpu]: Invalid value: "-1": must be greater than or equal to 0',
    ],
    [quotas, { spec: { scopes: ["Foo"] } }, '422 spec.scopes: Invalid value: ["Foo"]: unsupported scope'],
    [ranges, limits({ max: { cpu: "1" }, min: { cpu: "100m" } }), ""],
    [
      ranges,
      limits({ max: { cpu: "1" }, min: { cpu: "2" } }),
      '422 [spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1',
    ],
  ]);
});
