import assert from "node:assert/strict";
import { test } from "node:test";
import {
  customResourceDefinitions,
  type Deployment,
  deployments,
  devices,
  type KubernetesObject,
  kubeEdgeDefinitions,
  type Namespace,
  type Node,
  namespaces,
  nodes,
  type Pod,
  pods,
  type ResourceReference,
  replicaSets,
} from "@skerry/api";
import { silentLogger } from "@skerry/base";
import { systemClock, systemRandom } from "@skerry/base/platform";
import { isApiError, type KubernetesApi } from "@skerry/kube";
import { startTestApiServer } from "../testing/test-api-server.ts";
import { startControllers } from "./index.ts";

const deployment: Deployment = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web" },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: "web" } },
    template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "c", image: "app:1" }] } },
  },
};
const node: Node = {
  apiVersion: "v1",
  kind: "Node",
  metadata: { name: "edge-1" },
  status: { allocatable: { cpu: "4", memory: "4Gi", pods: "110" }, conditions: [{ type: "Ready", status: "True" }] },
};

/** Controllers on the embedded API server itself, as they run in production. */
async function start(): Promise<AsyncDisposable & { readonly api: KubernetesApi }> {
  const server = await startTestApiServer();
  const { api } = server;
  const ports = { api, clock: systemClock, random: systemRandom, logger: silentLogger };
  const controllers = await startControllers({ ...ports, rootCaPem: "PEM" });
  return {
    api,
    async [Symbol.asyncDispose]() {
      await controllers[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** Waits, playing the node's agent, until `holds`; the test's own time limit is the only one. */
async function until(api: KubernetesApi, holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) {
    for (const pod of (await api.list<Pod>({ resource: pods })).items) await playAgent(api, pod);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function playAgent(api: KubernetesApi, pod: Pod): Promise<void> {
  const { namespace = "", name } = pod.metadata;
  const target = { resource: pods, namespace, name };
  const status = {
    phase: "Running",
    conditions: [{ type: "Ready", status: "True", lastTransitionTime: "2026-01-01T00:00:00Z" }],
  };
  try {
    if (pod.metadata.deletionTimestamp) await api.delete(target, { gracePeriodSeconds: 0 });
    else if (pod.spec.nodeName && pod.status?.phase === "Pending")
      await api.patch({ ...target, subresource: "status" }, { type: "strategic", body: { status } });
  } catch (error) {
    if (!isApiError(error, "NotFound")) throw error;
  }
}

const count = async (api: KubernetesApi, resource: ResourceReference): Promise<number> =>
  (await api.list({ resource })).items.length;
const isRolledOut = async (api: KubernetesApi, namespace: string): Promise<boolean> => {
  const { metadata, spec, status = {} } = await api.get<Deployment>({ resource: deployments, namespace, name: "web" });
  return (
    (status.observedGeneration ?? 0) >= (metadata.generation ?? 0) &&
    status.updatedReplicas === spec.replicas &&
    status.replicas === spec.replicas &&
    status.availableReplicas === spec.replicas
  );
};

test("on the embedded API server a Deployment is rolled out, updated and collected", { timeout: 60_000 }, async () => {
  await using world = await start();
  const { api } = world;
  const target = { resource: deployments, namespace: "default" };
  await api.create({ resource: nodes }, node);
  await api.patch(
    { resource: nodes, name: "edge-1", subresource: "status" },
    { type: "merge", body: { status: { ...node.status } } as never },
  );
  await api.create(target, deployment);
  await until(api, () => isRolledOut(api, "default"));
  const body = { spec: { template: { spec: { containers: [{ name: "c", image: "app:2" }] } } } };
  await api.patch({ ...target, name: "web" }, { type: "strategic", body });
  await until(api, () => isRolledOut(api, "default"));
  assert.equal(await count(api, replicaSets), 2);
  const images = (await api.list<Pod>({ resource: pods })).items
    .filter(({ metadata }) => !metadata.deletionTimestamp)
    .map(({ spec }) => spec.containers[0]?.image);
  assert.deepEqual(images, ["app:2", "app:2"]);
  await api.delete({ ...target, name: "web" }, { propagationPolicy: "Background" });
  await until(api, async () => (await count(api, replicaSets)) + (await count(api, pods)) === 0);
});

test("on the embedded API server a namespace goes with its pods and custom resources", {
  timeout: 60_000,
}, async () => {
  await using world = await start();
  const { api } = world;
  await api.create({ resource: nodes }, node);
  for (const definition of kubeEdgeDefinitions)
    await api.create({ resource: customResourceDefinitions }, definition as KubernetesObject);
  await api.create<Namespace>(
    { resource: namespaces },
    { apiVersion: "v1", kind: "Namespace", metadata: { name: "team" } },
  );
  const target = { resource: deployments, namespace: "team" };
  await until(api, () =>
    api.create(target, deployment).then(
      () => true,
      () => false,
    ),
  );
  const device: KubernetesObject = {
    apiVersion: "devices.kubeedge.io/v1beta1",
    kind: "Device",
    metadata: { name: "d" },
  };
  await until(api, () =>
    api
      .create({ resource: devices, namespace: "team" }, { ...device, spec: { nodeName: "edge-1" } } as KubernetesObject)
      .then(
        () => true,
        () => false,
      ),
  );
  await until(api, async () => (await count(api, pods)) === 2);
  await api.delete({ resource: namespaces, name: "team" });
  await until(api, async () =>
    (await api.list({ resource: namespaces })).items.every(({ metadata }) => metadata.name !== "team"),
  );
  assert.deepEqual([await count(api, pods), await count(api, devices), await count(api, deployments)], [0, 0, 0]);
});
