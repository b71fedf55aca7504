import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import { badRequest } from "../errors.ts";
import { jsonEqual } from "./json-merge-patch.ts";
import { ownMember, setMember } from "./json-tree.ts";
import { normalizeOrder } from "./list-order.ts";
import { type MemberRule, type MergeSchema, mergeSchemaOf } from "./strategic-merge-schema.ts";

const SET_ORDER = "$setElementOrder/";
const DELETE_FROM_LIST = "$deleteFromPrimitiveList/";

/**
 * Applies a strategic merge patch to an object of a built-in kind; the object is left as it was. The kind's rules are
 * looked up by the object's own `apiVersion` and `kind` unless `kind` says otherwise.
 * @throws ApiError BadRequest when the patch is malformed
 */
export function applyStrategicMergePatch(
  original: JsonObject,
  patch: JsonValue,
  kind: { readonly apiVersion: string; readonly kind: string } = {
    apiVersion: String(original["apiVersion"] ?? ""),
    kind: String(original["kind"] ?? ""),
  },
): JsonObject {
  if (!isJsonObject(patch)) throw badRequest("a strategic merge patch must be an object");
  return mergeObjects(structuredClone(original), structuredClone(patch), mergeSchemaOf(kind.apiVersion, kind.kind));
}

function mergeObjects(original: JsonObject, patch: JsonObject, schema: MergeSchema): JsonObject {
  const directive = patch["$patch"];
  if (directive !== undefined) {
    delete patch["$patch"];
    if (directive === "replace") return withoutDirectives(patch);
    if (directive === "delete") return {};
    if (directive !== "merge") throw badRequest(`Unknown patch type: ${JSON.stringify(directive).slice(0, 64)}`);
  }
  keepOnlyRetained(original, patch);
  for (const member of Object.keys(patch)) {
    if (member.startsWith(SET_ORDER)) orderList(original, patch, member, schema);
  }
  for (const [member, value] of Object.entries(patch)) {
    if (value === undefined) continue;
    if (member.startsWith(DELETE_FROM_LIST)) {
      const list = member.slice(DELETE_FROM_LIST.length);
      const current = original[list];
      if (!Array.isArray(value)) throw badRequest(`${member} must be a list`);
      if (Array.isArray(current))
        original[list] = current.filter((item) => !value.some((gone) => jsonEqual(gone, item)));
      continue;
    }
    if (value === null) {
      delete original[member];
      continue;
    }
    const current = ownMember(original, member);
    const { rule, schema: inner } = schema.member(member);
    if (isJsonObject(value))
      setMember(original, member, mergeObjects(isJsonObject(current) ? current : {}, value, inner));
    else if (Array.isArray(value) && (rule.merge || carriesDirectives(value)))
      setMember(original, member, mergeLists(Array.isArray(current) ? current : [], value, rule, inner));
    else setMember(original, member, stripped(value));
  }
  return original;
}

/** `$retainKeys`: members of the original that it does not name are removed. */
function keepOnlyRetained(original: JsonObject, patch: JsonObject): void {
  const retained = patch["$retainKeys"];
  if (retained === undefined) return;
  delete patch["$retainKeys"];
  if (!Array.isArray(retained)) throw badRequest("$retainKeys must be a list");
  for (const member of Object.keys(patch)) {
    if (patch[member] !== null && !member.startsWith("$") && !retained.includes(member))
      throw badRequest(`the patch sets ${member.slice(0, 64)}, which its $retainKeys does not list`);
  }
  for (const member of Object.keys(original)) if (!retained.includes(member)) delete original[member];
}

/** `$setElementOrder/x`: merges list `x` (if patched at all) and puts it in the given order. */
function orderList(original: JsonObject, patch: JsonObject, directive: string, schema: MergeSchema): void {
  const member = directive.slice(SET_ORDER.length);
  const order = patch[directive];
  delete patch[directive];
  if (!Array.isArray(order)) throw badRequest(`${directive} must be a list`);
  const { rule, schema: inner } = schema.member(member);
  const current = ownMember(original, member);
  const change = patch[member];
  if (change === null || (change !== undefined && !Array.isArray(change)) || !rule.merge) return;
  const before = Array.isArray(current) ? current : [];
  const removed = patch[`${DELETE_FROM_LIST}${member}`];
  delete patch[`${DELETE_FROM_LIST}${member}`];
  const kept = Array.isArray(removed)
    ? before.filter((item) => !removed.some((gone) => jsonEqual(gone, item)))
    : before;
  delete patch[member];
  if (current === undefined && change === undefined) return;
  const merged = change === undefined ? kept : mergeLists(kept, change, rule, inner);
  setMember(original, member, normalizeOrder(merged, order, before, identityOf(rule)));
}

function mergeLists(original: JsonValue[], patch: JsonValue[], rule: MemberRule, schema: MergeSchema): JsonValue[] {
  const replace = patch.some((item) => isJsonObject(item) && item["$patch"] === "replace");
  if (replace)
    return patch.filter((item) => !(isJsonObject(item) && Object.hasOwn(item, "$patch"))).map((item) => stripped(item));
  if (rule.merge === undefined) return patch.filter((item) => !isDeletion(item)).map((item) => stripped(item));
  if (rule.merge === "primitive") {
    const merged = [...original];
    for (const item of patch) if (!merged.some((present) => jsonEqual(present, item))) merged.push(item);
    return normalizeOrder(merged, patch, original, identityOf(rule));
  }
  const { key } = rule.merge;
  let merged = [...original];
  const changes: JsonObject[] = [];
  for (const item of patch) {
    if (!isJsonObject(item)) throw badRequest(`an item merged by ${key} must be an object`);
    if (item[key] === undefined || item[key] === null)
      throw badRequest(`map: ${JSON.stringify(item).slice(0, 200)} does not contain declared merge key: ${key}`);
    if (isDeletion(item))
      merged = merged.filter((present) => !(isJsonObject(present) && jsonEqual(present[key], item[key])));
    else changes.push(item);
  }
  for (const item of changes) {
    const index = merged.findIndex((present) => isJsonObject(present) && jsonEqual(present[key], item[key]));
    const present = merged[index];
    if (isJsonObject(present)) merged[index] = mergeObjects(present, structuredClone(item), schema);
    else merged.push(withoutDirectives(structuredClone(item)));
  }
  return normalizeOrder(merged, changes, original, identityOf(rule));
}

/** What tells items of a merged list apart. */
function identityOf(rule: MemberRule): (item: JsonValue) => JsonValue | undefined {
  const { merge } = rule;
  if (merge === undefined || merge === "primitive") return (item) => item;
  return (item) => (isJsonObject(item) ? item[merge.key] : item);
}

function isDeletion(item: JsonValue): boolean {
  return isJsonObject(item) && item["$patch"] === "delete";
}

function carriesDirectives(list: readonly JsonValue[]): boolean {
  return list.some((item) => isJsonObject(item) && Object.hasOwn(item, "$patch"));
}

function stripped(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.filter((item) => !isDeletion(item)).map(stripped);
  return isJsonObject(value) ? withoutDirectives(value) : value;
}

/** A patch's new part as plain content: without directives, and without the nulls that only mean "remove". */
function withoutDirectives(patch: JsonObject): JsonObject {
  const result: JsonObject = {};
  for (const [member, value] of Object.entries(patch)) {
    if (value === undefined || value === null || member === "$patch" || member === "$retainKeys") continue;
    if (member.startsWith(SET_ORDER) || member.startsWith(DELETE_FROM_LIST)) continue;
    setMember(result, member, stripped(value));
  }
  return result;
}
