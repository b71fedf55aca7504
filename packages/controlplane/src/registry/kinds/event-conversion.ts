import { isJsonObject, type JsonObject } from "@skerry/base";
import { type ApiObject, asApiObject, asJsonObject } from "../api-object.ts";

/** Members that events.k8s.io/v1 calls differently than core/v1, in which events are stored. */
const RENAMED: readonly (readonly [newer: string, core: string])[] = [
  ["regarding", "involvedObject"],
  ["note", "message"],
  ["reportingController", "reportingComponent"],
  ["deprecatedSource", "source"],
  ["deprecatedFirstTimestamp", "firstTimestamp"],
  ["deprecatedLastTimestamp", "lastTimestamp"],
  ["deprecatedCount", "count"],
];

/** A core/v1 Event as events.k8s.io/v1 shows it. */
export function eventFromCore(event: ApiObject): ApiObject {
  const result: JsonObject = { ...asJsonObject(event), apiVersion: "events.k8s.io/v1" };
  for (const [newer, core] of RENAMED) rename(result, core, newer);
  return asApiObject(result);
}

/** An events.k8s.io/v1 Event as it is stored. */
export function eventToCore(event: ApiObject): ApiObject {
  const result: JsonObject = { ...asJsonObject(event), apiVersion: "v1" };
  for (const [newer, core] of RENAMED) rename(result, newer, core);
  if (!isJsonObject(result["involvedObject"])) result["involvedObject"] = {};
  return asApiObject(result);
}

function rename(object: JsonObject, from: string, to: string): void {
  const value = object[from];
  if (value === undefined) return;
  delete object[from];
  object[to] = value;
}
