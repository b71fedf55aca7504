import type { JsonObject } from "@skerry/base";
import { jsonEqual } from "@skerry/kube";
import { objectAt, objectsIn } from "../registry/api-object.ts";
import { isSameRule } from "./policy-rule.ts";

const AUTO_UPDATE = "rbac.authorization.kubernetes.io/autoupdate";

/**
 * A stored default role or binding with what it lacks of the one that this version begins with; undefined when nothing
 * is missing, or when its annotation forbids it. What somebody has added stays.
 */
export function reconciledDefault(stored: JsonObject, wanted: JsonObject): JsonObject | undefined {
  const metadata = objectAt(stored, "metadata");
  if (objectAt(metadata, "annotations")[AUTO_UPDATE] === "false") return undefined;
  const own = objectAt(wanted, "metadata");
  const merged: JsonObject = {
    ...stored,
    metadata: {
      ...metadata,
      labels: { ...objectAt(own, "labels"), ...objectAt(metadata, "labels") },
      annotations: { ...objectAt(own, "annotations"), ...objectAt(metadata, "annotations") },
    },
  };
  const { aggregationRule } = wanted;
  if (aggregationRule !== undefined) merged["aggregationRule"] = aggregationRule;
  addMissing(merged, "rules", objectsIn(wanted["rules"]), isSameRule);
  addMissing(merged, "subjects", objectsIn(wanted["subjects"]), jsonEqual);
  return jsonEqual(merged, stored) ? undefined : merged;
}

/**
 * A role of an older version, now put together from others, under the name of its own part: what somebody had added to it
 * stays in it by that, as Kubernetes does it. Undefined for one that is put together already or is not to be updated.
 */
export function ownPartOf(stored: JsonObject, name: string): JsonObject | undefined {
  const { labels = {}, annotations = {} } = objectAt(stored, "metadata");
  const isFixed = objectAt(objectAt(stored, "metadata"), "annotations")[AUTO_UPDATE] === "false";
  return stored["aggregationRule"] !== undefined || isFixed
    ? undefined
    : { ...stored, metadata: { name, labels, annotations } };
}

function addMissing(
  object: JsonObject,
  member: string,
  wanted: readonly JsonObject[],
  isSame: (left: JsonObject, right: JsonObject) => boolean,
): void {
  const present = objectsIn(object[member]);
  const missing = wanted.filter((item) => !present.some((other) => isSame(other, item)));
  if (missing.length > 0) object[member] = [...present, ...missing];
}
