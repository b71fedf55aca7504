import {
  configMaps,
  type Device,
  type DeviceModel,
  deployments,
  deviceModels,
  devices,
  type Event,
  events,
  type KubernetesObject,
  type Lease,
  leases,
  type Node,
  nodes,
  type Pod,
  persistentVolumeClaims,
  pods,
  type ResourceReference,
  replicaSets,
  secrets,
  serviceAccounts,
} from "@skerry/api";
import type { Clock } from "@skerry/base";
import { lastHeardMs, listRevocations, type NodeRevocation } from "@skerry/cloudcore";
import { isApiError, type KubernetesApi } from "@skerry/kube";
import {
  conditionOf,
  type DeviceFacts,
  eventTimeMs,
  type LocalFacts,
  type MissingObject,
  type NodeFacts,
  type PodFacts,
  type ProcessFacts,
  type UnboundClaim,
} from "./facts.ts";
import { neededObjects } from "./references.ts";

/** Where facts come from. */
export interface FactSources {
  readonly api: KubernetesApi;
  readonly clock: Pick<Clock, "now">;
  /** What this machine knows of the node; undefined for a node of another machine. */
  readonly local: (nodeName: string) => Promise<LocalFacts | undefined>;
  /** The CloudCores of this machine; none where the cloud is elsewhere. */
  readonly cloud: () => Promise<readonly ProcessFacts[]>;
}

const RESOURCE_OF: Readonly<Record<MissingObject["kind"], ResourceReference>> = {
  ConfigMap: configMaps,
  Secret: secrets,
  "image pull Secret": secrets,
  PersistentVolumeClaim: persistentVolumeClaims,
  ServiceAccount: serviceAccounts,
};

/** A Deployment or ReplicaSet. */
interface Workload extends KubernetesObject {
  readonly spec?: { readonly replicas?: number };
}

/** What is known of a node. */
export async function gatherNode(sources: FactSources, name: string): Promise<NodeFacts> {
  const { api, clock } = sources;
  const [node, lease, revocation, cloud, local] = await Promise.all([
    find<Node>(api, nodes, name),
    find<Lease>(api, leases, name, "kube-node-lease"),
    revocationOf(api, name),
    sources.cloud(),
    sources.local(name),
  ]);
  const leaseMs = lastHeardMs(lease);
  const heardMs = Number.isNaN(leaseMs) ? undefined : leaseMs;
  return { nowMs: clock.now(), name, node, heardMs, revocation, cloud, local };
}

/** Undefined also for who may not read it. */
async function revocationOf(api: KubernetesApi, name: string): Promise<NodeRevocation | undefined> {
  try {
    return (await listRevocations(api)).find(({ nodeName }) => nodeName === name);
  } catch (error) {
    if (isApiError(error, "Forbidden")) return undefined;
    throw error;
  }
}

/** What is known of a pod; `name` may be its Deployment's or ReplicaSet's too, whose least ready pod is meant then. */
export async function gatherPod(sources: FactSources, namespace: string, name: string): Promise<PodFacts> {
  const { api, clock } = sources;
  const asked = await find<Pod>(api, pods, name, namespace);
  const workload = asked ? undefined : await findWorkload(api, namespace, name);
  const pod = asked ?? (workload && (await worstPod(api, namespace, workload)));
  const [about, all, needs, node] = await Promise.all([
    pod ? eventsOf(api, namespace, pod.metadata.name, pod.metadata.uid) : workloadEvents(api, namespace, name),
    api.list<Node>({ resource: nodes }),
    pod ? needsOf(api, namespace, pod) : { missing: [], unboundClaims: [] },
    pod?.spec.nodeName ? gatherNode(sources, pod.spec.nodeName) : undefined,
  ]);
  const shown = workload && { kind: workload.kind ?? "", name, replicas: workload.spec?.replicas ?? 1 };
  const facts = { nowMs: clock.now(), namespace, name: pod?.metadata.name ?? name, pod, workload: shown };
  return { ...facts, ...needs, events: about, nodes: all.items, node };
}

/** What is known of a device. */
export async function gatherDevice(sources: FactSources, namespace: string, name: string): Promise<DeviceFacts> {
  const { api, clock } = sources;
  const device = await find<Device>(api, devices, name, namespace);
  const { deviceModelRef, nodeName } = device?.spec ?? {};
  const [model, about, node] = await Promise.all([
    deviceModelRef?.name ? find<DeviceModel>(api, deviceModels, deviceModelRef.name, namespace) : undefined,
    eventsOf(api, namespace, name, device?.metadata.uid),
    nodeName ? gatherNode(sources, nodeName) : undefined,
  ]);
  return { nowMs: clock.now(), namespace, name, device, model, events: about, node };
}

async function find<T extends KubernetesObject>(
  api: KubernetesApi,
  resource: ResourceReference,
  name: string,
  namespace?: string,
): Promise<T | undefined> {
  try {
    return await api.get<T>({ resource, name, ...(namespace === undefined ? {} : { namespace }) });
  } catch (error) {
    if (isApiError(error, "NotFound")) return undefined;
    throw error;
  }
}

async function findWorkload(api: KubernetesApi, namespace: string, name: string): Promise<Workload | undefined> {
  for (const resource of [deployments, replicaSets]) {
    const found = await find<Workload>(api, resource, name, namespace);
    if (found) return { ...found, kind: resource.kind };
  }
  return undefined;
}

/** Of the workload's pods one that is not ready, else any. */
async function worstPod(api: KubernetesApi, namespace: string, workload: Workload): Promise<Pod | undefined> {
  const { items } = await api.list<Pod>({ resource: pods, namespace });
  const prefix = `${workload.metadata.name}-`;
  const own = items.filter(
    ({ metadata }) => metadata.ownerReferences !== undefined && metadata.name.startsWith(prefix),
  );
  const living = own.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  return living.find((pod) => conditionOf(pod, "Ready")?.status !== "True") ?? living[0] ?? own[0];
}

/** Events about an object of this name, the newest last. */
async function eventsOf(api: KubernetesApi, namespace: string, name: string, uid?: string): Promise<Event[]> {
  const options = { fieldSelector: `involvedObject.name=${name}` };
  const { items } = await api.list<Event>({ resource: events, namespace }, options);
  return newestLast(items.filter(({ involvedObject }) => uid === undefined || (involvedObject.uid ?? uid) === uid));
}

/** Events about a Deployment and the ReplicaSets that it made. */
async function workloadEvents(api: KubernetesApi, namespace: string, name: string): Promise<Event[]> {
  const { items } = await api.list<Event>({ resource: events, namespace });
  return newestLast(
    items.filter(({ involvedObject: about }) => about.name === name || about.name?.startsWith(`${name}-`)),
  );
}

function newestLast(items: readonly Event[]): Event[] {
  return [...items].sort((left, right) => eventTimeMs(left) - eventTimeMs(right));
}

/** The members of a claim that say whether it has a volume. */
interface Claim extends KubernetesObject {
  readonly spec?: { readonly storageClassName?: string };
  readonly status?: { readonly phase?: string };
}

/** Which of the objects that the pod needs do not exist, and which of its claims have no volume. */
async function needsOf(
  api: KubernetesApi,
  namespace: string,
  pod: Pod,
): Promise<Pick<PodFacts, "missing" | "unboundClaims">> {
  const missing: MissingObject[] = [];
  const unboundClaims: UnboundClaim[] = [];
  const looks = neededObjects(pod).map(async (needed) => ({
    needed,
    found: await find<Claim>(api, RESOURCE_OF[needed.kind], needed.name, namespace),
  }));
  for (const { needed, found } of await Promise.all(looks)) {
    if (!found) missing.push(needed);
    else if (needed.kind === "PersistentVolumeClaim" && found.status?.phase !== "Bound")
      unboundClaims.push({
        name: needed.name,
        phase: found.status?.phase ?? "Pending",
        storageClass: found.spec?.storageClassName,
      });
  }
  return { missing, unboundClaims };
}
