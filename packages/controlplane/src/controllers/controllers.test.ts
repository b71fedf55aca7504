import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type ConfigMap,
  configMaps,
  type Deployment,
  deployments,
  endpointSlices,
  endpoints,
  type KubernetesObject,
  type Namespace,
  type Node,
  namespaces,
  nodes,
  type Pod,
  pods,
  type ResourceReference,
  replicaSets,
  type Service,
  serviceAccounts,
  services,
} from "@skerry/api";
import { silentLogger } from "@skerry/base";
import { ManualClock, SeededRandom } from "@skerry/base/testing";
import { asJson, isApiError } from "@skerry/kube";
import { MemoryKubernetesApi } from "@skerry/kube/testing";
import { startControllers } from "./index.ts";
import { playKubelet } from "./testing/controller-world.ts";

interface World extends AsyncDisposable {
  readonly api: MemoryKubernetesApi;
  readonly clock: ManualClock;
}

/** All controllers and the scheduler on an in-memory API with a namespace and a ready node. */
async function start(): Promise<World> {
  const clock = new ManualClock(Date.UTC(2026, 0, 1));
  const api = new MemoryKubernetesApi({ now: () => clock.now() });
  await api.create<Namespace>(
    { resource: namespaces },
    { apiVersion: "v1", kind: "Namespace", metadata: { name: "default" } },
  );
  await api.create<Node>(
    { resource: nodes },
    {
      apiVersion: "v1",
      kind: "Node",
      metadata: { name: "edge-1", labels: { "node-role.kubernetes.io/edge": "" } },
      spec: {},
      status: {
        allocatable: { cpu: "4", memory: "4Gi", pods: "110" },
        conditions: [{ type: "Ready", status: "True", lastHeartbeatTime: "2026-01-01T00:00:00Z" }],
      },
    },
  );
  const ports = { api, clock, random: new SeededRandom(3), logger: silentLogger };
  const controllers = await startControllers({ ...ports, rootCaPem: "PEM" });
  await clock.settle();
  return { api, clock, [Symbol.asyncDispose]: () => controllers[Symbol.asyncDispose]() };
}

const deployment: Deployment = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web" },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: "web" } },
    template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "c", image: "i" }] } },
  },
};
const inDefault = (resource: ResourceReference): { resource: ResourceReference; namespace: string } => ({
  resource,
  namespace: "default",
});
const names = async (world: World, resource: ResourceReference): Promise<string[]> =>
  (await world.api.list({ resource })).items.map(({ metadata }) => metadata.name);
const isGone = async (world: World, resource: ResourceReference, name: string): Promise<boolean> =>
  world.api.get({ ...inDefault(resource), name }).then(
    () => false,
    (error: unknown) => isApiError(error, "NotFound"),
  );
const deploy = async (world: World): Promise<void> => {
  await world.api.create(inDefault(deployments), deployment);
  await world.clock.settle();
  await playKubelet(world);
};
const nodeTarget = { resource: nodes, name: "edge-1" };

test("an applied Deployment ends as pods bound to a node", async () => {
  await using world = await start();
  await deploy(world);
  const { items } = await world.api.list<Pod>({ resource: pods });
  assert.deepEqual(
    items.map(({ spec }) => spec.nodeName),
    ["edge-1", "edge-1"],
  );
});

test("a deleted Deployment takes its ReplicaSet and pods with it", async () => {
  await using world = await start();
  await deploy(world);
  await world.api.delete({ ...inDefault(deployments), name: "web" });
  await world.clock.advance(2_000);
  await playKubelet(world);
  await world.clock.advance(2_000);
  assert.deepEqual([await names(world, replicaSets), await names(world, pods)], [[], []]);
});

test("foreground deletion keeps the Deployment until its dependents are gone", async () => {
  await using world = await start();
  await deploy(world);
  await world.api.delete({ ...inDefault(deployments), name: "web" }, { propagationPolicy: "Foreground" });
  await world.clock.advance(2_000);
  assert.equal(await isGone(world, deployments, "web"), false);
  await playKubelet(world);
  await world.clock.advance(2_000);
  assert.equal(await isGone(world, deployments, "web"), true);
  assert.deepEqual([await names(world, replicaSets), await names(world, pods)], [[], []]);
});

test("orphaning deletion leaves the dependents without an owner", async () => {
  await using world = await start();
  await deploy(world);
  await world.api.delete({ ...inDefault(deployments), name: "web" }, { propagationPolicy: "Orphan" });
  await world.clock.advance(2_000);
  assert.equal(await isGone(world, deployments, "web"), true);
  const [replicaSet] = (await world.api.list(inDefault(replicaSets))).items;
  assert.deepEqual(replicaSet?.metadata.ownerReferences, []);
  assert.equal((await names(world, pods)).length, 2);
});

test("an object of which one owner is left stays and loses the others", async () => {
  await using world = await start();
  const owner = async (name: string): Promise<KubernetesObject> =>
    world.api.create(inDefault(configMaps), { apiVersion: "v1", kind: "ConfigMap", metadata: { name } });
  const references = [await owner("a"), await owner("b")].map(({ metadata }) => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    name: metadata.name,
    uid: metadata.uid ?? "",
  }));
  await world.api.create(inDefault(configMaps), {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "child", ownerReferences: references },
  });
  await world.api.delete({ ...inDefault(configMaps), name: "a" });
  await world.clock.advance(2_000);
  const child = await world.api.get({ ...inDefault(configMaps), name: "child" });
  assert.deepEqual(
    child.metadata.ownerReferences?.map(({ name }) => name),
    ["b"],
  );
  await world.api.delete({ ...inDefault(configMaps), name: "b" });
  await world.clock.advance(2_000);
  assert.equal(await isGone(world, configMaps, "child"), true);
});

test("an object whose owner is of an unknown kind is left alone", async () => {
  await using world = await start();
  const ownerReferences = [{ apiVersion: "foreign.io/v1", kind: "Thing", name: "t", uid: "u" }];
  await world.api.create(inDefault(configMaps), {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "child", ownerReferences },
  });
  await world.clock.advance(10_000);
  assert.equal(await isGone(world, configMaps, "child"), false);
});

test("each namespace has a default ServiceAccount and the CA certificate, again after they were deleted", async () => {
  await using world = await start();
  await world.api.create<Namespace>(
    { resource: namespaces },
    { apiVersion: "v1", kind: "Namespace", metadata: { name: "team" } },
  );
  await world.clock.settle();
  for (const namespace of ["default", "team"]) {
    await world.api.get({ resource: serviceAccounts, namespace, name: "default" });
    const target = { resource: configMaps, namespace, name: "kube-root-ca.crt" };
    assert.equal((await world.api.get<ConfigMap>(target)).data?.["ca.crt"], "PEM");
    await world.api.patch(target, { type: "merge", body: { data: { "ca.crt": "forged" } } });
    await world.clock.settle();
    assert.equal((await world.api.get<ConfigMap>(target)).data?.["ca.crt"], "PEM");
    await world.api.delete(target);
    await world.api.delete({ resource: serviceAccounts, namespace, name: "default" });
    await world.clock.settle();
    await world.api.get(target);
    await world.api.get({ resource: serviceAccounts, namespace, name: "default" });
  }
});

test("a deleted namespace goes with all that is in it", async () => {
  await using world = await start();
  await deploy(world);
  await world.api.delete({ resource: namespaces, name: "default" });
  await world.clock.advance(3_000);
  const waiting = await world.api.get<Namespace>({ resource: namespaces, name: "default" });
  assert.equal(waiting.status?.phase, "Terminating");
  assert.match(waiting.status?.conditions?.[0]?.message ?? "", /pods has \d resource instances/);
  await playKubelet(world);
  await world.clock.advance(3_000);
  assert.deepEqual(
    [await names(world, namespaces), await names(world, configMaps), await names(world, deployments)],
    [[], [], []],
  );
});

test("a silent edge node becomes Unknown and its pods not ready, but they are not evicted", async () => {
  await using world = await start();
  await deploy(world);
  await world.clock.advance(60_000);
  const node = await world.api.get<Node>(nodeTarget);
  const ready = node.status?.conditions?.find(({ type }) => type === "Ready");
  assert.deepEqual([ready?.status, ready?.reason], ["Unknown", "NodeStatusUnknown"]);
  assert.deepEqual(
    node.spec?.taints?.map(({ key, effect }) => `${key}:${effect}`),
    ["node.kubernetes.io/unreachable:NoSchedule", "node.kubernetes.io/unreachable:NoExecute"],
  );
  await world.clock.advance(600_000);
  const { items } = await world.api.list<Pod>({ resource: pods });
  assert.equal(items.length, 2);
  for (const pod of items) {
    assert.equal(pod.metadata.deletionTimestamp, undefined);
    assert.equal(pod.status?.conditions?.find(({ type }) => type === "Ready")?.status, "False");
  }
  const conditions = [{ type: "Ready", status: "True", lastHeartbeatTime: "2026-01-01T01:00:00Z" }];
  await world.api.patch(
    { ...nodeTarget, subresource: "status" },
    { type: "strategic", body: { status: { conditions } } },
  );
  await world.clock.settle();
  assert.equal((await world.api.get<Node>(nodeTarget)).spec?.taints, undefined);
});

test("a node that renews its lease stays Ready", async () => {
  await using world = await start();
  const lease = {
    resource: { group: "coordination.k8s.io", version: "v1", resource: "leases", kind: "Lease", namespaced: true },
    namespace: "kube-node-lease",
  };
  await world.api.create<KubernetesObject>(lease, {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: { name: "edge-1" },
  });
  for (let round = 0; round < 12; round++) {
    // The node's own clock is far off.
    const renewTime = `1999-12-31T23:59:${10 + round}.000000Z`;
    await world.api.patch({ ...lease, name: "edge-1" }, { type: "merge", body: { spec: { renewTime } } });
    await world.clock.advance(10_000);
  }
  const ready = (await world.api.get<Node>(nodeTarget)).status?.conditions?.[0];
  assert.equal(ready?.status, "True");
});

test("pods of a silent node that is not at the edge are evicted when their toleration ends", async () => {
  await using world = await start();
  await world.api.patch(nodeTarget, {
    type: "merge",
    body: { metadata: { labels: { "node-role.kubernetes.io/edge": null } } },
  });
  const tolerations = [
    { key: "node.kubernetes.io/unreachable", operator: "Exists", effect: "NoExecute", tolerationSeconds: 300 },
  ] as const;
  await world.api.create<Pod>(inDefault(pods), {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "patient" },
    spec: { containers: [{ name: "c" }], tolerations: [...tolerations] },
  });
  await world.clock.settle();
  const deleted = async (): Promise<boolean> =>
    (await world.api.get({ ...inDefault(pods), name: "patient" })).metadata.deletionTimestamp !== undefined;
  await world.clock.advance(120_000);
  assert.equal(await deleted(), false);
  await world.clock.advance(300_000);
  assert.equal(await deleted(), true);
});

test("pods of a deleted node are removed after a while, not at once", async () => {
  await using world = await start();
  await world.api.create<Pod>(inDefault(pods), {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "a" },
    spec: { containers: [] },
  });
  await world.clock.settle();
  await world.api.delete(nodeTarget);
  await world.clock.advance(20_000);
  assert.equal(await isGone(world, pods, "a"), false);
  await world.clock.advance(30_000);
  assert.equal(await isGone(world, pods, "a"), true);
});

test("a service's Endpoints and EndpointSlice follow its pods", async () => {
  await using world = await start();
  await world.api.create<Service>(inDefault(services), {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web" },
    spec: { selector: { app: "web" }, ports: [{ name: "http", port: 80, targetPort: 8080 }] },
  });
  await deploy(world);
  const [pod] = (await world.api.list<Pod>({ resource: pods })).items;
  const status = {
    target: { ...inDefault(pods), name: pod?.metadata.name ?? "", subresource: "status" },
    body: { status: { podIP: "10.0.0.7" } },
  };
  await world.api.patch(status.target, { type: "merge", body: status.body });
  await world.clock.settle();
  const subsets = asJson(await world.api.get({ ...inDefault(endpoints), name: "web" }))["subsets"];
  assert.match(
    JSON.stringify(subsets),
    /"addresses":\[\{"ip":"10.0.0.7","nodeName":"edge-1".*"ports":\[\{"name":"http","port":8080,"protocol":"TCP"\}\]/,
  );
  const [slice] = (await world.api.list(inDefault(endpointSlices), { labelSelector: "kubernetes.io/service-name=web" }))
    .items;
  assert.match(JSON.stringify(slice), /"addresses":\["10.0.0.7"\],"conditions":\{"ready":true/);
  await world.api.delete({ ...inDefault(services), name: "web" });
  await world.clock.advance(2_000);
  assert.equal(await isGone(world, endpoints, "web"), true);
});

test("a namespace's deletion is not held up by controllers that would fill it again", async () => {
  await using world = await start();
  await deploy(world);
  await world.api.delete({ resource: namespaces, name: "default" });
  for (let round = 0; round < 5; round++) {
    await world.clock.advance(2_000);
    await playKubelet(world);
  }
  assert.deepEqual(await names(world, namespaces), []);
});
