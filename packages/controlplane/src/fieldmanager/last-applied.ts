import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import { ensureObject, objectAt } from "../registry/api-object.ts";

/** Where `kubectl apply` without `--server-side` keeps what it last applied. */
export const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

/** The manager name under which kubectl applies; only for it is the annotation kept in step. */
export const KUBECTL = "kubectl";

/** What was last applied on the client's side, if that is known. */
export function lastApplied(object: JsonObject): JsonObject | undefined {
  const text = objectAt(objectAt(object, "metadata"), "annotations")[LAST_APPLIED];
  if (typeof text !== "string") return undefined;
  try {
    const value = JSON.parse(text) as JsonValue;
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Notes a configuration as the last one that was applied. */
export function noteLastApplied(object: JsonObject, config: JsonObject): void {
  const { managedFields: _managed, annotations, ...metadata } = objectAt(config, "metadata");
  const { [LAST_APPLIED]: _last, ...others } = isJsonObject(annotations) ? annotations : {};
  const kept = Object.keys(others).length > 0 ? { ...metadata, annotations: others } : metadata;
  ensureObject(ensureObject(object, "metadata"), "annotations")[LAST_APPLIED] =
    `${JSON.stringify(sorted({ ...config, metadata: kept }))}\n`;
}

/** With members in order, as Go writes maps. */
function sorted(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted(value[key] ?? null)]),
  );
}
