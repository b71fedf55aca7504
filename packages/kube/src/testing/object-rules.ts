import { apiVersionOf, type KubernetesObject, type Pod } from "@skerry/api";
import { isJsonObject, type JsonObject, toKubernetesTime } from "@skerry/base";
import type { CollectionTarget } from "../kubernetes-api.ts";
import { jsonEqual } from "../patches/json-merge-patch.ts";
import { asJson } from "../patches/json-tree.ts";

/** A new object with what the API server fills in; `count` makes its uid and generated name unique. */
export function newObject(
  target: CollectionTarget,
  object: KubernetesObject,
  count: number,
  now: number,
): KubernetesObject {
  const created = structuredClone(object);
  const { metadata } = created;
  const suffix = count.toString(36).padStart(5, "0");
  if (!metadata.name && metadata.generateName) metadata.name = `${metadata.generateName}${suffix}`;
  created.apiVersion ||= apiVersionOf(target.resource);
  created.kind ||= target.resource.kind;
  if (target.resource.namespaced && target.namespace !== undefined) metadata.namespace = target.namespace;
  metadata.uid = `00000000-0000-4000-8000-${count.toString(16).padStart(12, "0")}`;
  metadata.creationTimestamp = toKubernetesTime(now);
  if (isJsonObject(asJson(created)["spec"])) metadata.generation = 1;
  if (created.kind === "Namespace") {
    asJson(created)["spec"] = { finalizers: ["kubernetes"] };
    asJson(created)["status"] = { phase: "Active" };
  }
  if (created.kind === "Pod") asJson(created)["status"] ??= { phase: "Pending" };
  return created;
}

/** Kinds whose status is no subresource of its own: it is written with the rest. */
const STATUS_IN_PLACE: ReadonlySet<string> = new Set(["Rule"]);

/** Kinds of which the status subresource takes annotations too. */
const METADATA_BY_STATUS: ReadonlySet<string> = new Set(["Deployment"]);

/** What is stored after an update or patch: each subresource writes only its part, the main one all but the status. */
export function mergedUpdate(
  stored: KubernetesObject,
  object: KubernetesObject,
  subresource: string | undefined,
): KubernetesObject {
  const before = asJson(stored);
  const after = asJson(object);
  const next: JsonObject = structuredClone(subresource ? before : after);
  if (subresource === "status") {
    if (after["status"] === undefined) delete next["status"];
    else next["status"] = structuredClone(after["status"]);
    if (METADATA_BY_STATUS.has(stored.kind ?? "")) next["metadata"] = structuredClone(after["metadata"]);
  } else if (subresource === "finalize") next["spec"] = structuredClone(after["spec"]);
  else if (subresource === "scale") {
    const scale = after["spec"] as { replicas?: number } | undefined;
    next["spec"] = { ...(before["spec"] as JsonObject), replicas: scale?.replicas ?? 0 };
  } else if (STATUS_IN_PLACE.has(stored.kind ?? "")) next["status"] = structuredClone(after["status"]);
  else if (before["status"] === undefined) delete next["status"];
  else next["status"] = structuredClone(before["status"]);
  const result = next as unknown as KubernetesObject;
  const { uid, creationTimestamp, generation, deletionTimestamp, deletionGracePeriodSeconds, resourceVersion } =
    stored.metadata;
  result.metadata = {
    ...result.metadata,
    ...(uid === undefined ? {} : { uid }),
    ...(creationTimestamp === undefined ? {} : { creationTimestamp }),
    ...(generation === undefined ? {} : { generation }),
    ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
    ...(deletionGracePeriodSeconds === undefined ? {} : { deletionGracePeriodSeconds }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
    ...(stored.metadata.namespace === undefined ? {} : { namespace: stored.metadata.namespace }),
  };
  if (generation !== undefined && !jsonEqual(before["spec"], next["spec"])) result.metadata.generation = generation + 1;
  return result;
}

/** The pod on the node that a Binding names; undefined when it has one already. */
export function boundPod(
  stored: KubernetesObject,
  binding: KubernetesObject,
  now: string,
): KubernetesObject | undefined {
  const pod = structuredClone(stored) as Pod;
  const { name } = (asJson(binding)["target"] ?? {}) as { name?: string };
  if (!name || pod.spec.nodeName) return undefined;
  pod.spec.nodeName = name;
  const others = (pod.status?.conditions ?? []).filter(({ type }) => type !== "PodScheduled");
  pod.status = {
    ...pod.status,
    conditions: [...others, { type: "PodScheduled", status: "True", lastTransitionTime: now }],
  };
  return pod;
}
