import { isJsonObject, type JsonObject } from "@skerry/base";
import { badRequest, formatLabelSelector, labelSelectorRequirements } from "@skerry/kube";
import { valueAtPath } from "../customresources/json-path.ts";
import { type ApiObject, asApiObject, asJsonObject, ensureObject, numberAt, objectAt } from "./api-object.ts";
import type { ScalePaths } from "./resource-definition.ts";

/** The autoscaling/v1 Scale of an object. */
export function scaleOf(paths: ScalePaths, object: ApiObject): ApiObject {
  const json = asJsonObject(object);
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const selector = paths.selector === undefined ? undefined : valueAtPath(json, paths.selector);
  const selectorText = isJsonObject(selector)
    ? formatLabelSelector(labelSelectorRequirements(isPlain(selector) ? { matchLabels: selector } : selector) ?? [])
    : typeof selector === "string"
      ? selector
      : "";
  return asApiObject({
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: countAt(json, paths.specReplicas) },
    status: {
      replicas: countAt(json, paths.statusReplicas),
      ...(selectorText === "" ? {} : { selector: selectorText }),
    },
  });
}

/** The object with the replicas that a Scale asks for. @throws ApiError BadRequest */
export function withScale(paths: ScalePaths, object: ApiObject, scale: JsonObject): JsonObject {
  const replicas = numberAt(objectAt(scale, "spec"), "replicas") ?? 0;
  if (!Number.isInteger(replicas)) throw badRequest("spec.replicas must be an integer");
  const json = asJsonObject(structuredClone(object));
  const names = paths.specReplicas.split(".");
  const last = names.pop() ?? "replicas";
  let parent = json;
  for (const name of names) parent = ensureObject(parent, name);
  parent[last] = replicas;
  const version = objectAt(scale, "metadata")["resourceVersion"];
  if (version !== undefined) ensureObject(json, "metadata")["resourceVersion"] = version;
  return json;
}

/** ReplicationControllers select by a plain map of labels. */
function isPlain(selector: JsonObject): selector is Record<string, string> {
  return Object.values(selector).every((value) => typeof value === "string");
}

function countAt(object: JsonObject, path: string): number {
  const value = valueAtPath(object, path);
  return typeof value === "number" ? value : 0;
}
