import assert from "node:assert/strict";
import { test } from "node:test";
import { CERTIFICATE_REQUEST } from "../../testing/fixtures.ts";
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
      "422 spec.updateStrategy.rollingUpdate: Invalid value: {\"partition\":1}: only allowed for updateStrategy 'RollingUpdate'",
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

test("policies of the network and ways in are refused when they lead nowhere", () => {
  const [policies, ingresses] = ["networkpolicies", "ingresses"].map(
    (resource) => `/apis/networking.k8s.io/v1/namespaces/default/${resource}`,
  ) as [string, string];
  const way = (path: object): object => ({ spec: { rules: [{ http: { paths: [{ pathType: "Prefix", ...path }] } }] } });
  const backend = { service: { name: "web", port: { number: 80 } } };
  const from = (peer: object): object => ({ spec: { podSelector: {}, ingress: [{ from: [peer] }] } });
  return check([
    [policies, from({ ipBlock: { cidr: "10.0.0.0/8", except: ["10.1.0.0/16"] } }), ""],
    [
      policies,
      { spec: { podSelector: {}, policyTypes: ["Foo"] } },
      '422 spec.policyTypes[0]: Unsupported value: "Foo": supported values: "Egress", "Ingress"',
    ],
    [
      policies,
      from({ ipBlock: { cidr: "x" } }),
      '422 spec.ingress[0].from[0].ipBlock.cidr: Invalid value: "x": must be a valid CIDR value',
    ],
    [
      policies,
      from({ ipBlock: { cidr: "10.0.0.0/8", except: ["10.0.0.0/8"] } }),
      '422 spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: "10.0.0.0/8": must be a strict subset of `cidr`',
    ],
    [policies, from({}), "422 spec.ingress[0].from[0]: Required value: must specify a peer"],
    [ingresses, way({ path: "/", backend }), ""],
    [ingresses, { spec: {} }, "422 spec: Invalid value: null: either `defaultBackend` or `rules` must be specified"],
    [
      ingresses,
      way({ path: "foo", backend }),
      '422 spec.rules[0].http.paths[0].path: Invalid value: "foo": must be an absolute path',
    ],
    [
      ingresses,
      way({ path: "/", backend: {} }),
      '422 spec.rules[0].http.paths[0].backend: Invalid value: "": resource or service backend is required',
    ],
    [
      ingresses,
      way({ path: "/", backend: { service: { name: "web", port: { number: 80, name: "http" } } } }),
      '422 spec.rules[0].http.paths[0].backend: Invalid value: "": cannot set both port name & port number',
    ],
  ]);
});

test("a Service is refused when its address is another's or none of ours, or when it names what cannot be", () => {
  const url = `${CORE}/services`;
  const spec = (members: object): object => ({ spec: { ports: [{ port: 80 }], ...members } });
  return check([
    [url, spec({ clusterIP: "10.96.200.200", selector: { app: "x" } }), ""],
    [url, spec({ clusterIP: "None" }), ""],
    [
      url,
      spec({ clusterIP: "10.96.0.1" }),
      '422 spec.clusterIPs: Invalid value: ["10.96.0.1"]: failed to allocate IP 10.96.0.1: provided IP is already allocated',
    ],
    [
      url,
      spec({ clusterIP: "1.2.3.4" }),
      '422 spec.clusterIPs: Invalid value: ["1.2.3.4"]: failed to allocate IP 1.2.3.4: the provided IP (1.2.3.4) is not in the valid range.',
    ],
    [url, spec({ clusterIP: "x" }), '422 spec.clusterIPs[0]: Invalid value: "x": must be a valid IP address'],
    [url, spec({ type: "ExternalName" }), "422 spec.externalName: Required value"],
    [url, spec({ selector: { "a b": "c" } }), '422 spec.selector: Invalid value: "a b": name part must consist'],
    [
      url,
      { spec: { ports: [{ port: 80, targetPort: "Web" }] } },
      '422 spec.ports[0].targetPort: Invalid value: "Web": must contain only',
    ],
    [
      url,
      { spec: { ports: ["a", "b"].map((name) => ({ name, port: 80 })) } },
      '422 spec.ports[1]: Duplicate value: {"protocol":"TCP","port":80}',
    ],
  ]);
});

test("a Service that is made again is there already, also with its own address", async () => {
  await using server = await startTestApiServer();
  const body = { metadata: { name: "x" }, spec: { clusterIP: "10.96.200.200", ports: [{ port: 80 }] } };
  assert.equal((await server.call("POST", `${CORE}/services`, { body })).status, 201);
  assert.equal((await server.call("POST", `${CORE}/services`, { body })).status, 409);
});

test("a PriorityClass is refused when it is the system's, above it, or a second default", async () => {
  const url = "/apis/scheduling.k8s.io/v1/priorityclasses";
  await using server = await startTestApiServer();
  assert.equal(
    await refusalOf(server, url, { value: 1 }, "system-x"),
    "422 metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error: system-x is not a known system priority class",
  );
  assert.equal(
    await refusalOf(server, url, { value: 1_000_000_001 }),
    "422 value: Forbidden: maximum allowed value of a user defined priority is 1000000000",
  );
  const first = { metadata: { name: "first" }, value: 1, globalDefault: true };
  assert.equal((await server.call("POST", url, { body: first })).status, 201);
  assert.equal(
    await refusalOf(server, url, { value: 2, globalDefault: true }),
    '403 priorityclasses.scheduling.k8s.io "x" is forbidden: PriorityClass first is already marked as default. Only one default can exist',
  );
  const changed = await server.call("PUT", `${url}/first`, { body: { ...first, value: 2 } });
  assert.match(String(changed.body["message"]), /value: Forbidden: may not be changed in an update\.$/);
  const described = await server.call("PUT", `${url}/first`, { body: { ...first, description: "d" } });
  assert.equal(described.status, 200);
});

test("what the cluster keeps of itself is refused when it cannot be so", () => {
  const requests = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
  const request = (members: object): object => ({
    spec: { request: CERTIFICATE_REQUEST, usages: ["client auth"], signerName: "example.com/a", ...members },
  });
  const taint = { key: "a", effect: "NoSchedule" };
  return check([
    [requests, request({}), ""],
    [requests, request({ request: btoa(`Certificate Request:\n    Data:\n${atob(CERTIFICATE_REQUEST)}`) }), ""],
    [
      requests,
      request({ request: "aGk=" }),
      '422 spec.request: Invalid value: "aGk=": PEM block type must be CERTIFICATE REQUEST',
    ],
    [requests, request({ usages: [] }), "422 spec.usages: Required value"],
    [requests, request({ usages: ["foo"] }), '422 spec.usages[0]: Unsupported value: "foo": supported values: "any"'],
    [
      requests,
      request({ signerName: "foo" }),
      '422 spec.signerName: Invalid value: "foo": must be a fully qualified domain and path',
    ],
    [
      `${CORE}/endpoints`,
      { subsets: [{ addresses: [{ ip: "x" }] }] },
      '422 subsets[0].addresses[0].ip: Invalid value: "x": must be a valid IP address',
    ],
    [`${CORE}/endpoints`, { subsets: [{ addresses: [{ ip: "127.0.0.2" }] }] }, ""],
    [
      "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices",
      { addressType: "IPv4", endpoints: [{ addresses: ["nope"] }] },
      '422 endpoints[0].addresses[0]: Invalid value: "nope": must be a valid IPv4 address',
    ],
    [
      "/apis/coordination.k8s.io/v1/namespaces/default/leases",
      { spec: { leaseDurationSeconds: 0 } },
      "422 spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0",
    ],
    [
      `${CORE}/events`,
      { involvedObject: { kind: "Pod", name: "p", namespace: "other" } },
      '422 involvedObject.namespace: Invalid value: "other": does not match event.namespace',
    ],
    ["/api/v1/nodes", { spec: { taints: [taint, taint] } }, "422 spec.taints[1]: Duplicate value: {"],
    [
      "/apis/node.k8s.io/v1/runtimeclasses",
      { handler: "A B" },
      '422 handler: Invalid value: "A B": a lowercase RFC 1123 label',
    ],
  ]);
});

test("a disruption budget is refused when its numbers or its selector mean nothing", () => {
  const budgets = "/apis/policy/v1/namespaces/default/poddisruptionbudgets";
  return check([
    [budgets, { spec: { minAvailable: "50%", selector: { matchLabels: { app: "x" } } } }, ""],
    [budgets, { spec: { minAvailable: "abc" } }, '422 spec.minAvailable: Invalid value: "abc": a valid percent string'],
    [budgets, { spec: { maxUnavailable: -1 } }, "422 spec.maxUnavailable: Invalid value: -1: must be greater than"],
    [budgets, { spec: { maxUnavailable: "101%" } }, '422 spec.maxUnavailable: Invalid value: "101%": must not be'],
    [budgets, { spec: { selector: { matchLabels: { app: "!!" } } } }, "422 spec.selector.matchLabels: Invalid value"],
  ]);
});

test("a CronJob is refused when its name leaves no room for its Jobs' names", () => {
  const cronJobs = "/apis/batch/v1/namespaces/default/cronjobs";
  const template = { spec: { restartPolicy: "Never", containers: [{ name: "c", image: "i" }] } };
  const body = { spec: { schedule: "* * * * *", jobTemplate: { spec: { template } } } };
  const told = `422 metadata.name: Invalid value: "${"a".repeat(53)}": must be no more than 52 characters`;
  return check([
    [cronJobs, body, "", "a".repeat(52)],
    [cronJobs, body, told, "a".repeat(53)],
  ]);
});

test("an object is refused when a finalizer's name is none", () => {
  const withFinalizers = (...finalizers: string[]): object => ({ metadata: { name: "x", finalizers } });
  return check([
    [`${CORE}/configmaps`, withFinalizers("foregroundDeletion", "example.com/a"), ""],
    [`${CORE}/configmaps`, withFinalizers("orphan", "kubernetes"), ""],
    [`${CORE}/configmaps`, withFinalizers("no domain !!"), '422 metadata.finalizers: Invalid value: "no domain !!"'],
  ]);
});
