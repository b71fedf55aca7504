import { isJsonObject, type JsonValue } from "@skerry/base";
import { ApiError, failureStatus } from "../api-error.ts";
import { badRequest, patchNotApplicable } from "../errors.ts";
import { jsonEqual } from "./json-merge-patch.ts";
import { setMember } from "./json-tree.ts";

/** Most operations in one JSON patch, as the API server allows. */
const MOST_OPERATIONS = 10_000;
/** All that the `copy` operations of one patch may add, as the API server allows: each could double the object. */
const MOST_COPIED_CHARACTERS = 3 * 1024 * 1024;

/**
 * Applies a JSON patch (RFC 6902); the target is left as it was.
 * @throws ApiError BadRequest when the patch is malformed, Invalid (422) when it does not fit the target,
 * RequestEntityTooLarge when it copies too much
 */
export function applyJsonPatch(target: JsonValue, patch: JsonValue): JsonValue {
  if (!Array.isArray(patch)) throw badRequest("a JSON patch must be a list of operations");
  if (patch.length > MOST_OPERATIONS)
    throw badRequest(`The allowed maximum operations in a JSON patch is ${MOST_OPERATIONS}, got ${patch.length}`);
  let document = structuredClone(target);
  let copied = 0;
  for (const operation of patch) {
    copied += copiedCharacters(document, operation);
    if (copied > MOST_COPIED_CHARACTERS)
      throw new ApiError(
        failureStatus(413, "RequestEntityTooLarge", `the patch copies more than ${MOST_COPIED_CHARACTERS} characters`),
      );
    document = applyOperation(document, operation);
  }
  return document;
}

function copiedCharacters(document: JsonValue, operation: JsonValue): number {
  if (!isJsonObject(operation) || operation["op"] !== "copy") return 0;
  return JSON.stringify(read(document, pointer(operation["from"], "from"))).length;
}

function applyOperation(document: JsonValue, operation: JsonValue): JsonValue {
  if (!isJsonObject(operation)) throw badRequest("an operation of a JSON patch must be an object");
  const path = pointer(operation["path"], "path");
  switch (operation["op"]) {
    case "add":
      return add(document, path, structuredClone(requiredValue(operation["value"])));
    case "replace":
      read(document, path);
      return path.length === 0
        ? structuredClone(requiredValue(operation["value"]))
        : add(remove(document, path), path, structuredClone(requiredValue(operation["value"])));
    case "remove":
      return remove(document, path);
    case "test":
      if (!jsonEqual(read(document, path), requiredValue(operation["value"])))
        // The real API server says no more than this either.
        throw patchNotApplicable("the server rejected our request due to an error in our request");
      return document;
    case "copy":
      return add(document, path, structuredClone(read(document, pointer(operation["from"], "from"))));
    case "move": {
      const from = pointer(operation["from"], "from");
      if (from.length < path.length && from.every((part, index) => part === path[index]))
        throw patchNotApplicable("a value cannot be moved into itself");
      const moved = read(document, from);
      return add(remove(document, from), path, moved);
    }
    default:
      throw badRequest(`unknown operation of a JSON patch: ${JSON.stringify(operation["op"] ?? null).slice(0, 64)}`);
  }
}

function requiredValue(value: JsonValue | undefined): JsonValue {
  if (value === undefined) throw badRequest("the operation of a JSON patch lacks its value");
  return value;
}

/** Parts of a JSON pointer (RFC 6901). */
function pointer(text: JsonValue | undefined, member: string): string[] {
  if (typeof text !== "string" || (text !== "" && !text.startsWith("/")))
    throw badRequest(`the ${member} of a JSON patch operation must be a JSON pointer`);
  return text === ""
    ? []
    : text
        .slice(1)
        .split("/")
        .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function read(document: JsonValue, path: readonly string[]): JsonValue {
  let current: JsonValue = document;
  for (const part of path) {
    let next: JsonValue | undefined;
    if (Array.isArray(current)) next = current[listIndex(part, current.length - 1, path)];
    else if (isJsonObject(current) && Object.hasOwn(current, part)) next = current[part];
    if (next === undefined) throw missing(path);
    current = next;
  }
  return current;
}

function add(document: JsonValue, path: readonly string[], value: JsonValue): JsonValue {
  const last = path.at(-1);
  if (last === undefined) return value;
  const parent = read(document, path.slice(0, -1));
  if (Array.isArray(parent))
    parent.splice(last === "-" ? parent.length : listIndex(last, parent.length, path), 0, value);
  else if (isJsonObject(parent)) setMember(parent, last, value);
  else throw missing(path);
  return document;
}

function remove(document: JsonValue, path: readonly string[]): JsonValue {
  const last = path.at(-1);
  if (last === undefined) return null;
  const parent = read(document, path.slice(0, -1));
  if (Array.isArray(parent)) parent.splice(listIndex(last, parent.length - 1, path), 1);
  else if (isJsonObject(parent) && Object.hasOwn(parent, last)) delete parent[last];
  else throw missing(path);
  return document;
}

function listIndex(part: string, highest: number, path: readonly string[]): number {
  if (!/^(?:0|[1-9][0-9]{0,8})$/.test(part) || Number(part) > highest) throw missing(path);
  return Number(part);
}

function missing(path: readonly string[]): Error {
  return patchNotApplicable(`the path /${path.join("/").slice(0, 200)} of the JSON patch does not exist in the object`);
}
