import type { PodTemplateSpec } from "@skerry/api";
import { fnv1a, isJsonObject, type JsonValue } from "@skerry/base";
import { asJson, jsonEqual } from "@skerry/kube";
import { POD_TEMPLATE_HASH } from "./deployment-names.ts";

/** Kubernetes' alphabet of hashes in names: no vowels, no look-alikes. */
const ALPHABET = "bcdfghjklmnpqrstvwxz2456789";

/** Whether two templates are the same but for the label that tells ReplicaSets apart. */
export function sameTemplate(left: PodTemplateSpec, right: PodTemplateSpec): boolean {
  return jsonEqual(asJson(withoutHash(left)), asJson(withoutHash(right)));
}

/**
 * A short hash of a template as it appears in the ReplicaSet's name. `collisionCount` changes it when the name is taken.
 */
export function templateHash(template: PodTemplateSpec, collisionCount: number): string {
  const text = `${canonicalText(asJson(withoutHash(template)))}${collisionCount || ""}`;
  return [...String(fnv1a(text))].map((digit) => ALPHABET[digit.charCodeAt(0) % ALPHABET.length]).join("");
}

function withoutHash(template: PodTemplateSpec): PodTemplateSpec {
  const { creationTimestamp: _, name: __, ...metadata } = template.metadata ?? {};
  const { [POD_TEMPLATE_HASH]: ___, ...labels } = metadata.labels ?? {};
  return { spec: template.spec, metadata: { ...metadata, labels } };
}

/** JSON with members in order of their names. */
function canonicalText(value: JsonValue | undefined): string {
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(",")}]`;
  if (!isJsonObject(value)) return JSON.stringify(value ?? null);
  const members = Object.keys(value)
    .filter((member) => value[member] !== undefined)
    .sort();
  return `{${members.map((member) => `${JSON.stringify(member)}:${canonicalText(value[member])}`).join(",")}}`;
}
