// The workload controllers on the embedded API server itself: what they write passes its checks.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type ControllerRevision,
  type CronJob,
  controllerRevisions,
  cronJobs,
  type DaemonSet,
  daemonSets,
  type Event,
  events,
  type Job,
  jobs,
  type KubernetesObject,
  type Node,
  nodes,
  type PersistentVolumeClaim,
  type Pod,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  type ReplicaSet,
  type ResourceReference,
  replicaSets,
  type StatefulSet,
  statefulSets,
} from "@skerry/api";
import { silentLogger } from "@skerry/base";
import { systemClock, systemRandom } from "@skerry/base/platform";
import { isApiError, type KubernetesApi } from "@skerry/kube";
import { startTestApiServer } from "../testing/test-api-server.ts";
import { startControllers } from "./index.ts";

const node: Node = {
  apiVersion: "v1",
  kind: "Node",
  metadata: { name: "edge-1", labels: { "kubernetes.io/hostname": "edge-1" } },
  status: { allocatable: { cpu: "4", memory: "4Gi", pods: "110" }, conditions: [{ type: "Ready", status: "True" }] },
};

async function start(): Promise<AsyncDisposable & { readonly api: KubernetesApi }> {
  const server = await startTestApiServer();
  const { api } = server;
  const ports = { api, clock: systemClock, random: systemRandom, logger: silentLogger };
  const controllers = await startControllers({ ...ports, rootCaPem: "PEM" });
  await api.create({ resource: nodes }, node);
  // Pods need the default service account.
  await until(api, async () => (await api.list({ resource: serviceAccounts, namespace: "default" })).items.length > 0);
  return {
    api,
    async [Symbol.asyncDispose]() {
      await controllers[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

const serviceAccounts: ResourceReference = {
  group: "",
  version: "v1",
  resource: "serviceaccounts",
  kind: "ServiceAccount",
  namespaced: true,
};

/** Waits, playing the node's agent, until `holds`; the test's own time limit is the only one. */
async function until(api: KubernetesApi, holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) {
    for (const pod of (await api.list<Pod>({ resource: pods })).items) await playAgent(api, pod);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Pods that are never to restart end well, others run. */
async function playAgent(api: KubernetesApi, pod: Pod): Promise<void> {
  const { namespace = "", name } = pod.metadata;
  const target = { resource: pods, namespace, name };
  const lastTransitionTime = "2026-01-01T00:00:00Z";
  const status =
    pod.spec.restartPolicy === "Never"
      ? { phase: "Succeeded" }
      : { phase: "Running", conditions: [{ type: "Ready", status: "True", lastTransitionTime }] };
  try {
    if (pod.metadata.deletionTimestamp) await api.delete(target, { gracePeriodSeconds: 0 });
    else if (pod.spec.nodeName && pod.status?.phase === "Pending")
      await api.patch({ ...target, subresource: "status" }, { type: "strategic", body: { status } });
  } catch (error) {
    if (!isApiError(error, "NotFound")) throw error;
  }
}

const labels = { app: "x" };
const template = { metadata: { labels }, spec: { containers: [{ name: "c", image: "i:1" }] } };
const selector = { matchLabels: labels };
const inDefault = (resource: ResourceReference): { resource: ResourceReference; namespace: string } => ({
  resource,
  namespace: "default",
});

test("on the embedded API server a StatefulSet gets its pods with bound claims and is rolled out", {
  timeout: 60_000,
}, async () => {
  await using world = await start();
  const { api } = world;
  for (const name of ["disk-0", "disk-1"])
    await api.create<KubernetesObject>({ resource: persistentVolumes }, {
      apiVersion: "v1",
      kind: "PersistentVolume",
      metadata: { name },
      spec: { capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce"], hostPath: { path: `/mnt/${name}` } },
    } as KubernetesObject);
  const claim: PersistentVolumeClaim = {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name: "data" },
    spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } },
  };
  const set: StatefulSet = {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: { name: "db" },
    spec: { replicas: 2, serviceName: "db", selector, template, volumeClaimTemplates: [claim] },
  };
  await api.create(inDefault(statefulSets), set);
  const statusOf = async (): Promise<NonNullable<StatefulSet["status"]>> => {
    const { status } = await api.get<StatefulSet>({ ...inDefault(statefulSets), name: "db" });
    return status ?? { replicas: 0 };
  };
  await until(api, async () => (await statusOf()).availableReplicas === 2);
  const claims = (await api.list<PersistentVolumeClaim>(inDefault(persistentVolumeClaims))).items;
  assert.deepEqual(
    claims.map(({ metadata, status }) => `${metadata.name} ${status?.phase}`),
    ["data-db-0 Bound", "data-db-1 Bound"],
  );
  const body = { spec: { template: { spec: { containers: [{ name: "c", image: "i:2" }] } } } };
  await api.patch({ ...inDefault(statefulSets), name: "db" }, { type: "strategic", body });
  const images = async (): Promise<string> =>
    (await api.list<Pod>(inDefault(pods))).items.map(({ spec }) => spec.containers[0]?.image).join(" ");
  await until(api, async () => {
    const { currentRevision, updateRevision, availableReplicas } = await statusOf();
    return (await images()) === "i:2 i:2" && currentRevision === updateRevision && availableReplicas === 2;
  });
  assert.deepEqual((await revisions(api)).sort(), [1, 2]);
});

const revisions = async (api: KubernetesApi): Promise<number[]> =>
  (await api.list<ControllerRevision>(inDefault(controllerRevisions))).items.map(({ revision }) => revision);

test("on the embedded API server a DaemonSet is rolled out and goes back to an earlier version", {
  timeout: 60_000,
}, async () => {
  await using world = await start();
  const { api } = world;
  const set: DaemonSet = {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name: "agent" },
    spec: { selector, template },
  };
  await api.create(inDefault(daemonSets), set);
  const isRunning = async (image: string): Promise<boolean> => {
    const running = (await api.list<Pod>(inDefault(pods))).items;
    const { status } = await api.get<DaemonSet>({ ...inDefault(daemonSets), name: "agent" });
    return running.length === 1 && running[0]?.spec.containers[0]?.image === image && status?.numberAvailable === 1;
  };
  const target = { ...inDefault(daemonSets), name: "agent" };
  for (const image of ["i:1", "i:2", "i:1"]) {
    const body = { spec: { template: { spec: { containers: [{ name: "c", image }] } } } };
    await api.patch(target, { type: "strategic", body });
    await until(api, () => isRunning(image));
  }
  await until(api, async () => (await revisions(api)).sort().join() === "2,3");
});

test("on the embedded API server a Job runs to its end, and a CronJob makes one", { timeout: 60_000 }, async () => {
  await using world = await start();
  const { api } = world;
  const spec = { template: { spec: { restartPolicy: "Never" as const, containers: [{ name: "c", image: "i" }] } } };
  const job: Job = {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: "once" },
    spec: { ...spec, completions: 2 },
  };
  await api.create(inDefault(jobs), job);
  // Created in the past, so that a time is due at once.
  const cronJob: CronJob = {
    apiVersion: "batch/v1",
    kind: "CronJob",
    metadata: { name: "tick" },
    spec: { schedule: "@every 1s", jobTemplate: { spec } },
  };
  await api.create(inDefault(cronJobs), cronJob);
  await until(api, async () => {
    const { status } = await api.get<Job>({ ...inDefault(jobs), name: "once" });
    return status?.succeeded === 2 && status.conditions?.some(({ type }) => type === "Complete") === true;
  });
  await until(api, async () => {
    const { status } = await api.get<CronJob>({ ...inDefault(cronJobs), name: "tick" });
    return status?.lastSuccessfulTime !== undefined;
  });
  const finalizers = (await api.list<Pod>(inDefault(pods))).items
    .filter(({ metadata }) => metadata.labels?.["job-name"] === "once")
    .flatMap(({ metadata }) => metadata.finalizers ?? []);
  assert.deepEqual(finalizers, []);
});

test("on the embedded API server a quota holds a ReplicaSet back, which tells why", { timeout: 60_000 }, async () => {
  await using world = await start();
  const { api } = world;
  const quotas: ResourceReference = { ...serviceAccounts, resource: "resourcequotas", kind: "ResourceQuota" };
  await api.create(inDefault(quotas), {
    apiVersion: "v1",
    kind: "ResourceQuota",
    metadata: { name: "q" },
    spec: { hard: { pods: "1" } },
  } as KubernetesObject);
  const replicaSet: ReplicaSet = {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: { name: "web" },
    spec: { replicas: 3, selector, template },
  };
  await api.create(inDefault(replicaSets), replicaSet);
  await until(api, async () =>
    (await api.list<Event>({ resource: events })).items.some(
      ({ reason, message = "" }) =>
        reason === "FailedCreate" &&
        message.endsWith("is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1"),
    ),
  );
  assert.equal((await api.list(inDefault(pods))).items.length, 1);
});
