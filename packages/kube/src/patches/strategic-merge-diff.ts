import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import { jsonEqual } from "./json-merge-patch.ts";
import { ownMember, setMember } from "./json-tree.ts";
import { type MergeSchema, mergeSchemaOf } from "./strategic-merge-schema.ts";

/**
 * The strategic merge patch that turns one version of an object into another, in the form that the kubelet and
 * KubeEdge's edge send for status: only what changed, `null` for what went, `$setElementOrder/…` for merged lists.
 * `{}` when nothing changed. The kind is taken from `to` unless `kind` says otherwise.
 */
export function createStrategicMergePatch(
  from: JsonObject,
  to: JsonObject,
  kind: { readonly apiVersion: string; readonly kind: string } = {
    apiVersion: String(to["apiVersion"] ?? ""),
    kind: String(to["kind"] ?? ""),
  },
): JsonObject {
  return structuredClone(diffObjects(from, to, mergeSchemaOf(kind.apiVersion, kind.kind)));
}

function diffObjects(from: JsonObject, to: JsonObject, schema: MergeSchema): JsonObject {
  const patch: JsonObject = {};
  for (const member of Object.keys(from)) {
    if (ownMember(from, member) !== undefined && ownMember(to, member) === undefined) setMember(patch, member, null);
  }
  for (const [member, value] of Object.entries(to)) {
    const before = ownMember(from, member);
    if (value === undefined || jsonEqual(before, value)) continue;
    const { rule, schema: inner } = schema.member(member);
    if (isJsonObject(value) && isJsonObject(before)) {
      const change = diffObjects(before, value, inner);
      if (rule.retainKeys) change["$retainKeys"] = Object.keys(value).sort();
      setMember(patch, member, change);
    } else if (Array.isArray(value) && Array.isArray(before) && rule.merge === "primitive") {
      diffPlainList(patch, member, before, value);
    } else if (Array.isArray(value) && Array.isArray(before) && typeof rule.merge === "object") {
      diffKeyedList(patch, member, before, value, rule.merge.key, inner, rule.retainKeys === true);
    } else setMember(patch, member, value);
  }
  return patch;
}

function diffPlainList(patch: JsonObject, member: string, from: JsonValue[], to: JsonValue[]): void {
  const added = to.filter((item) => !from.some((present) => jsonEqual(present, item)));
  const removed = from.filter((item) => !to.some((present) => jsonEqual(present, item)));
  if (added.length > 0) setMember(patch, member, added);
  if (removed.length > 0) setMember(patch, `$deleteFromPrimitiveList/${member}`, removed);
  setMember(patch, `$setElementOrder/${member}`, to);
}

function diffKeyedList(
  patch: JsonObject,
  member: string,
  from: JsonValue[],
  to: JsonValue[],
  key: string,
  schema: MergeSchema,
  retainKeys: boolean,
): void {
  const find = (list: JsonValue[], wanted: JsonObject): JsonObject | undefined =>
    list.filter(isJsonObject).find((item) => jsonEqual(item[key], wanted[key]));
  const changes: JsonObject[] = [];
  for (const item of to.filter(isJsonObject)) {
    const before = find(from, item);
    if (before === undefined) changes.push(item);
    else if (!jsonEqual(before, item)) {
      const change = { ...diffObjects(before, item, schema), [key]: item[key] };
      changes.push(retainKeys ? { ...change, $retainKeys: Object.keys(item).sort() } : change);
    }
  }
  for (const item of from.filter(isJsonObject)) {
    if (find(to, item) === undefined) changes.push({ $patch: "delete", [key]: item[key] });
  }
  if (changes.length > 0) setMember(patch, member, changes);
  const order = to.filter(isJsonObject).map((item): JsonObject => ({ [key]: item[key] }));
  setMember(patch, `$setElementOrder/${member}`, order);
}
