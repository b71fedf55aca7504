import { isJsonObject, type JsonObject } from "@skerry/base";
import { objectAt, objectsIn } from "../api-object.ts";

/** The quality-of-service class, from requests and limits of cpu and memory. */
export function qosClass(spec: JsonObject): string {
  // With resources of its own a pod is judged by them alone.
  const containers = isJsonObject(spec["resources"])
    ? [spec]
    : [...objectsIn(spec["containers"]), ...objectsIn(spec["initContainers"])];
  let any = false;
  let guaranteed = true;
  for (const container of containers) {
    const resources = objectAt(container, "resources");
    for (const name of ["cpu", "memory"]) {
      const limit = objectAt(resources, "limits")[name];
      const request = objectAt(resources, "requests")[name];
      if (isSet(limit) || isSet(request)) any = true;
      if (!isSet(limit) || String(request) !== String(limit)) guaranteed = false;
    }
  }
  if (!any) return "BestEffort";
  return guaranteed ? "Guaranteed" : "Burstable";
}

function isSet(quantity: unknown): boolean {
  return quantity !== undefined && !isJsonObject(quantity) && String(quantity) !== "0";
}
