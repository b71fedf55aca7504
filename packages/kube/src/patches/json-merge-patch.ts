import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import { ownMember, setMember } from "./json-tree.ts";

/** Applies a JSON merge patch (RFC 7386); the target is left as it was. */
export function applyMergePatch(target: JsonValue, patch: JsonValue): JsonValue {
  if (!isJsonObject(patch)) return structuredClone(patch);
  const result: JsonObject = isJsonObject(target) ? { ...target } : {};
  for (const [member, value] of Object.entries(patch)) {
    if (value === undefined) continue;
    if (value === null) delete result[member];
    else setMember(result, member, applyMergePatch(ownMember(result, member) ?? null, value));
  }
  return result;
}

/** The merge patch that turns `from` into `to`; `{}` when they are equal. */
export function createMergePatch(from: JsonObject, to: JsonObject): JsonObject {
  const patch: JsonObject = {};
  for (const member of Object.keys(from)) {
    if (ownMember(from, member) !== undefined && ownMember(to, member) === undefined) setMember(patch, member, null);
  }
  for (const [member, value] of Object.entries(to)) {
    if (value === undefined) continue;
    const before = ownMember(from, member);
    if (isJsonObject(before) && isJsonObject(value)) {
      const inner = createMergePatch(before, value);
      if (Object.keys(inner).length > 0) setMember(patch, member, inner);
    } else if (before === undefined || !jsonEqual(before, value)) setMember(patch, member, structuredClone(value));
  }
  return patch;
}

/** Whether two JSON values are the same; members in any order, absent and undefined alike. */
export function jsonEqual(left: JsonValue | undefined, right: JsonValue | undefined): boolean {
  if (left === right) return true;
  if (Array.isArray(left) && Array.isArray(right))
    return left.length === right.length && left.every((item, index) => jsonEqual(item, right[index]));
  if (isJsonObject(left) && isJsonObject(right)) {
    for (const member of Object.keys(left)) {
      if (left[member] !== undefined && !(Object.hasOwn(right, member) && jsonEqual(left[member], right[member])))
        return false;
    }
    return Object.keys(right).every((member) => right[member] === undefined || Object.hasOwn(left, member));
  }
  return false;
}
