import type { KubernetesObject } from "@skerry/api";
import {
  configMaps,
  deviceModels,
  devices,
  leases,
  namespaces,
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  type ResourceReference,
  secrets,
  serviceAccounts,
} from "@skerry/api";
import type { KubernetesApi } from "@skerry/kube";

/** Kinds of objects that a node has, and what is called after it. */
const KINDS: readonly ResourceReference[] = [
  nodes,
  leases,
  pods,
  secrets,
  configMaps,
  persistentVolumes,
  persistentVolumeClaims,
  serviceAccounts,
  deviceModels,
  devices,
];

/** In every value of a node's objects that another node must never see. */
export function markOf(nodeName: string): string {
  return Buffer.from(`belongs-to-${nodeName}`).toString("base64");
}

/** One object of each kind that belongs to the node; all are called after it. */
export async function giveObjects(api: KubernetesApi, nodeName: string): Promise<void> {
  const mark = markOf(nodeName);
  const contents: Readonly<Record<string, object>> = {
    nodes: {},
    leases: { spec: { holderIdentity: nodeName } },
    pods: {
      spec: {
        nodeName,
        serviceAccountName: nodeName,
        containers: [{ name: "app", image: "x", envFrom: [{ configMapRef: { name: nodeName } }] }],
        volumes: [
          { name: "s", secret: { secretName: nodeName } },
          { name: "v", persistentVolumeClaim: { claimName: nodeName } },
        ],
      },
    },
    secrets: { data: { value: mark } },
    configmaps: { data: { value: mark } },
    persistentvolumes: { spec: { claimRef: { namespace: "default", name: nodeName }, local: { path: mark } } },
    persistentvolumeclaims: { spec: { volumeName: nodeName }, status: { note: mark } },
    serviceaccounts: {},
    devicemodels: { spec: { protocol: "x", properties: [{ name: mark, type: "STRING" }] } },
    devices: { spec: { nodeName, deviceModelRef: { name: nodeName }, protocol: { protocolName: mark } } },
  };
  for (const resource of KINDS) {
    const namespace = resource.resource === "leases" ? "kube-node-lease" : "default";
    const labels = resource === nodes ? { labels: { "node-role.kubernetes.io/edge": "", mark: nodeName } } : {};
    const group = resource.group === "" ? resource.version : `${resource.group}/${resource.version}`;
    await api.create(resource.namespaced ? { resource, namespace } : { resource }, {
      apiVersion: group,
      kind: resource.kind,
      metadata: { name: nodeName, ...(resource.namespaced ? { namespace } : {}), ...labels },
      ...contents[resource.resource],
    } as KubernetesObject);
  }
}

/** Everything in the API that is not the given node's own, as text to compare. */
export async function othersObjects(api: KubernetesApi, nodeName: string): Promise<string> {
  const all: KubernetesObject[] = [];
  for (const resource of [...KINDS, namespaces]) all.push(...(await api.list<KubernetesObject>({ resource })).items);
  const others = all.filter(({ metadata }) => metadata.name !== nodeName && metadata.namespace !== "kubeedge");
  return JSON.stringify(others, undefined, 1);
}
