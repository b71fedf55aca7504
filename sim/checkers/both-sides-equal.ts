import {
  configMaps,
  type Device,
  type DeviceStatus,
  deviceModels,
  deviceStatuses,
  devices,
  type KubernetesObject,
  nodes,
  type Pod,
  pods,
  type ResourceReference,
  secrets,
  type Volume,
} from "@skerry/api";
import type { KubernetesApi } from "@skerry/kube";
import { DEVICE_KINDS, type DeviceKind, NAMESPACE } from "../workload/names.ts";
import type { HistoryEvent } from "../world/history.ts";
import { isUnknownToCopy } from "./unknown-pods-end.ts";
import type { Violation } from "./violation.ts";

/** What both sides show when nothing moves any more. */
export interface FinalState {
  readonly api: KubernetesApi;
  readonly nodeName: string;
  /** Committed on the edge's disk, by wire key. */
  readonly stored: ReadonlyMap<string, KubernetesObject>;
  readonly running: readonly { readonly uid: string; readonly id: string }[];
  /** Those of this node. */
  readonly events: readonly HistoryEvent[];
}

/**
 * I3 and I1: after the faults have stopped both sides agree. Down: what the API gives the node is on its disk, and nothing
 * else. Up: the API shows what runs, and the last value that a device's client was told is accepted.
 */
export async function checkBothSidesEqual(state: FinalState): Promise<Violation[]> {
  const differences = [
    ...(await downwardDifferences(state)).map((message) => ({ invariant: "I3", message })),
    ...(await podStatusDifferences(state)).map((message) => ({ invariant: "I1", message })),
  ];
  for (const kind of DEVICE_KINDS)
    for (const message of [...(await twinDifferences(state, kind)), ...(await desiredDifferences(state, kind))])
      differences.push({ invariant: "I1", message });
  return differences;
}

async function downwardDifferences({ api, nodeName, stored }: FinalState): Promise<string[]> {
  const differences: string[] = [];
  const compare = async (
    resource: ResourceReference,
    type: string,
    belongs: (object: KubernetesObject) => boolean,
    significant: (object: KubernetesObject) => unknown,
  ): Promise<void> => {
    const { items } = await api.list<KubernetesObject>({ resource });
    const wanted = new Map(items.map((object) => [wireKey(type, object), object]));
    for (const [key, object] of wanted) {
      const copy = stored.get(key);
      if (!belongs(object)) continue;
      if (!copy) differences.push(`${key} is not at the edge`);
      else if (copy.metadata.uid !== object.metadata.uid) differences.push(`${key} has another UID at the edge`);
      else if (JSON.stringify(significant(copy)) !== JSON.stringify(significant(object)))
        differences.push(
          `${key} differs: version ${copy.metadata.resourceVersion} at the edge, ${object.metadata.resourceVersion} in the cloud`,
        );
    }
    for (const [key, copy] of stored) {
      if (!key.includes(`/${type}/`)) continue;
      if (wanted.get(key)?.metadata.uid !== copy.metadata.uid) differences.push(`${key} is still at the edge`);
    }
  };
  const version = (object: KubernetesObject): unknown => object.metadata.resourceVersion;
  const pod = (object: KubernetesObject): unknown => {
    const { spec, metadata } = object as Pod;
    return [spec, metadata.labels, metadata.annotations, metadata.deletionTimestamp];
  };
  const allPods = (await api.list<Pod>({ resource: pods })).items.filter(({ spec }) => spec.nodeName === nodeName);
  const used = (nameOf: (volume: Volume) => string | undefined): ((object: KubernetesObject) => boolean) => {
    const keys = new Set(
      allPods.flatMap(({ spec, metadata }) => (spec.volumes ?? []).map((v) => `${metadata.namespace}/${nameOf(v)}`)),
    );
    return ({ metadata }) => keys.has(`${metadata.namespace}/${metadata.name}`);
  };
  const usedConfigMap = used(({ configMap }) => configMap?.name);
  const usedSecret = used(({ secret }) => secret?.secretName);
  const spec = (object: KubernetesObject): unknown => (object as Device).spec;
  await compare(pods, "pod", (object) => (object as Pod).spec.nodeName === nodeName, pod);
  await compare(configMaps, "configmap", usedConfigMap, version);
  await compare(secrets, "secret", usedSecret, version);
  await compare(devices, "device", (object) => (object as Device).spec?.nodeName === nodeName, spec);
  await compare(deviceModels, "devicemodel", () => true, spec);
  return differences;
}

async function podStatusDifferences({ api, nodeName, running, events }: FinalState): Promise<string[]> {
  const differences: string[] = [];
  const known = (await api.list<Pod>({ resource: pods })).items.filter(({ spec }) => spec.nodeName === nodeName);
  for (const { metadata, status } of known) {
    if (metadata.deletionTimestamp) differences.push(`pod ${metadata.name} is stuck in Terminating`);
    const shown = status?.containerStatuses?.[0];
    const container = running.find(({ uid }) => uid === metadata.uid);
    const shownRunning = shown?.state?.running !== undefined;
    if (shownRunning !== (container !== undefined))
      differences.push(`pod ${metadata.name} is shown ${shownRunning ? "running" : "not running"}, wrongly`);
    else if (container && !shown?.containerID?.endsWith(container.id))
      differences.push(`pod ${metadata.name} is shown with container ${shown?.containerID}, ${container.id} runs`);
  }
  for (const { uid, id } of running) {
    // What a restored copy does not know has longer: `checkUnknownPodsEnd`.
    if (known.some(({ metadata }) => metadata.uid === uid) || isUnknownToCopy(events, { uid, id })) continue;
    differences.push(`container ${id} of no pod runs`);
  }
  const node = (await api.list<KubernetesObject>({ resource: nodes })).items.find(
    ({ metadata }) => metadata.name === nodeName,
  );
  if (!node) differences.push("the node is not registered");
  return differences;
}

async function twinDifferences({ api, nodeName, events, stored }: FinalState, kind: DeviceKind): Promise<string[]> {
  const name = kind.deviceOf(nodeName);
  // What was accepted before a backup of either side was put in place may be lost with it.
  const sinceRestored = events.slice(events.findLastIndex(({ kind }) => isRestored(kind)) + 1);
  const accepted = sinceRestored.findLast((event) => event.kind === "twin-accepted" && event.device === name);
  if (accepted?.kind !== "twin-accepted" || !stored.has(`${NAMESPACE}/device/${name}`)) return [];
  const { items } = await api.list<DeviceStatus>({ resource: deviceStatuses });
  const shown = items
    .find(({ metadata }) => metadata.name === name)
    ?.status?.twins?.find(({ propertyName }) => propertyName === kind.reported)?.reported?.value;
  // A later value may have been taken without its client hearing of it; an older one may not be shown.
  const reported = events.flatMap((event) =>
    event.kind === "twin-reported" && event.device === name ? [event.value] : [],
  );
  const fromLastAccepted = reported.slice(reported.indexOf(accepted.value));
  return fromLastAccepted.includes(shown ?? "")
    ? []
    : [`the cloud shows ${name}'s ${kind.reported} = ${shown}, accepted at the edge was ${accepted.value}`];
}

function isRestored(kind: HistoryEvent["kind"]): boolean {
  return kind === "cloud-restored" || kind === "database-restored";
}

/** Down: the device was told the value that the cloud wants. */
async function desiredDifferences({ api, nodeName, events }: FinalState, kind: DeviceKind): Promise<string[]> {
  const name = kind.deviceOf(nodeName);
  const device = await api.get<Device>({ resource: devices, namespace: NAMESPACE, name });
  const wanted = device.spec?.properties?.find((property) => property.name === kind.desired)?.desired?.value;
  const last = events.findLast((event) => event.kind === "desired-told" && event.device === name);
  const told = last?.kind === "desired-told" ? last.value : undefined;
  return told === wanted ? [] : [`the cloud wants ${kind.desired} = ${wanted} of ${name}, it was last told ${told}`];
}

function wireKey(type: string, { metadata }: KubernetesObject): string {
  return `${metadata.namespace}/${type}/${metadata.name}`;
}
