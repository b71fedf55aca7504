import type { KubernetesObject, Pod, Quantity } from "@skerry/api";
import { type Amounts, nanoToQuantity, podLimits, podRequests, quantityToNano } from "@skerry/kube";
import { type ApiObject, asJsonObject, objectAt, objectsIn, textAt } from "../../registry/api-object.ts";

/** One of something, in billionths. */
const ONE = 1_000_000_000n;
/** Kinds that may be limited by their plain name, besides `count/…`. */
const PLAIN_COUNTS: ReadonlySet<string> = new Set([
  "/services",
  "/persistentvolumeclaims",
  "/configmaps",
  "/secrets",
  "/replicationcontrollers",
  "/resourcequotas",
]);
/** What pods ask of nodes; limited by the plain name too. */
const COMPUTE: ReadonlySet<string> = new Set(["cpu", "memory", "ephemeral-storage"]);
const BYTES = /memory$|storage$|hugepages-/;

/** What an object uses of everything that a ResourceQuota can limit. */
export function usageOf(storageKey: string, object: ApiObject, nowMs: number): Amounts {
  const [group = "", resource = ""] = storageKey.split("/");
  const usage = new Map<string, bigint>([[`count/${resource}${group === "" ? "" : `.${group}`}`, ONE]]);
  if (PLAIN_COUNTS.has(storageKey)) usage.set(resource, ONE);
  if (storageKey === "/pods") addPod(usage, object as unknown as Pod, nowMs);
  else if (storageKey === "/services") addService(usage, object);
  else if (storageKey === "/persistentvolumeclaims") addClaim(usage, object);
  return usage;
}

/** Where the objects are stored that use a resource named in a quota; empty when it is not known. */
export function storageKeyOf(resourceName: string): string {
  const [, counted, group = ""] = /^count\/([^.]+)(?:\.(.+))?$/.exec(resourceName) ?? [];
  if (counted !== undefined) return `${group}/${counted}`;
  if (PLAIN_COUNTS.has(`/${resourceName}`)) return `/${resourceName}`;
  if (resourceName.startsWith("services.")) return "/services";
  if (resourceName === "requests.storage" || resourceName.includes(".storageclass.storage.k8s.io/"))
    return "/persistentvolumeclaims";
  const isPods =
    resourceName === "pods" || COMPUTE.has(resourceName) || /^(requests\.|limits\.|hugepages-)/.test(resourceName);
  return isPods ? "/pods" : "";
}

/** Whether the object should have been gone by now. */
export function isOverdue({ metadata }: KubernetesObject, nowMs: number): boolean {
  return metadata.deletionTimestamp !== undefined && Date.parse(metadata.deletionTimestamp) < nowMs;
}

/** An amount of a resource, as Kubernetes writes it. */
export function amountText(resourceName: string, nano: bigint): string {
  const decimal = nanoToQuantity(nano, false);
  if (!BYTES.test(resourceName)) return decimal;
  const binary = nanoToQuantity(nano, true);
  return binary.length < decimal.length ? binary : decimal;
}

/** A pod that is over, or should be by now, uses nothing but its place in the list. */
function addPod(usage: Map<string, bigint>, pod: Pod, nowMs: number): void {
  const { phase } = pod.status ?? {};
  if (phase === "Succeeded" || phase === "Failed" || isOverdue(pod, nowMs)) return;
  usage.set("pods", ONE);
  for (const [name, amount] of podRequests(pod)) {
    usage.set(`requests.${name}`, amount);
    if (COMPUTE.has(name) || name.startsWith("hugepages-")) usage.set(name, amount);
  }
  for (const [name, amount] of podLimits(pod)) if (COMPUTE.has(name)) usage.set(`limits.${name}`, amount);
}

function addService(usage: Map<string, bigint>, service: ApiObject): void {
  const spec = objectAt(asJsonObject(service), "spec");
  const type = textAt(spec, "type");
  const portCount = BigInt(objectsIn(spec["ports"]).length);
  if (type === "LoadBalancer") usage.set("services.loadbalancers", ONE);
  if (type === "NodePort" || (type === "LoadBalancer" && spec["allocateLoadBalancerNodePorts"] !== false))
    usage.set("services.nodeports", portCount * ONE);
}

function addClaim(usage: Map<string, bigint>, claim: ApiObject): void {
  const spec = objectAt(asJsonObject(claim), "spec");
  const asked = objectAt(objectAt(spec, "resources"), "requests")["storage"];
  const amount = asked === undefined ? 0n : quantityToNano(asked as Quantity);
  usage.set("requests.storage", amount);
  const className = textAt(spec, "storageClassName");
  if (className === "") return;
  usage.set(`${className}.storageclass.storage.k8s.io/requests.storage`, amount);
  usage.set(`${className}.storageclass.storage.k8s.io/persistentvolumeclaims`, ONE);
}
