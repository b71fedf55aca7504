import { configMaps, nodes, pods } from "@skerry/api";
import type { KubernetesApi } from "@skerry/kube";
import type { Fleet } from "./fleet.ts";

const CREATED_AT_ONCE = 16;
const target = { resource: configMaps, namespace: "default", name: "bench-link" } as const;

/** A ConfigMap, and on each node of the fleet a pod that has it. */
export async function createFleetLoad(api: KubernetesApi, fleet: string): Promise<void> {
  const metadata = { name: target.name, namespace: target.namespace };
  await api.create(target, { apiVersion: "v1", kind: "ConfigMap", metadata });
  const { items } = await api.list({ resource: nodes }, { labelSelector: `skerry.io/fleet=${fleet}` });
  const waiting = items.map(({ metadata: { name } }) => name);
  const create = async (): Promise<void> => {
    for (let nodeName = waiting.pop(); nodeName !== undefined; nodeName = waiting.pop()) await createPod(api, nodeName);
  };
  await Promise.all(Array.from({ length: CREATED_AT_ONCE }, create));
}

/** Nodes that are there, each with a pod that has the ConfigMap: CloudCore has something to send them. */
export async function createHostileNodes(api: KubernetesApi, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const labels = { "node-role.kubernetes.io/edge": "" };
    await api.create({ resource: nodes }, { apiVersion: "v1", kind: "Node", metadata: { name, labels } });
    await createPod(api, name);
  }
}

async function createPod(api: KubernetesApi, nodeName: string): Promise<void> {
  const containers = [{ name: "app", image: "app:1", envFrom: [{ configMapRef: { name: target.name } }] }];
  const metadata = { name: nodeName, namespace: target.namespace };
  const pod = { apiVersion: "v1", kind: "Pod", metadata, spec: { nodeName, containers } };
  await api.create({ resource: pods, namespace: target.namespace }, pod);
}

/** Changes the ConfigMap and waits until each node has committed it; returns how long each delivery took, ms. */
export async function deliverConfigMap(api: KubernetesApi, fleet: Fleet, nodeCount: number): Promise<number[]> {
  fleet.takeDeliveriesMs();
  const sentAt = String(Date.now());
  const body = { metadata: { annotations: { "skerry.io/sent-at": sentAt } }, data: { sentAt } };
  await api.patch(target, { type: "merge", body });
  await fleet.until("the ConfigMap is everywhere", () => fleet.deliveries >= nodeCount);
  return fleet.takeDeliveriesMs();
}
