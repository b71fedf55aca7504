import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";

/** What a JSON pointer (RFC 6901: `/sensors/0/value`) names in a value; undefined when there is nothing; "" is all of it. */
export function atPointer(value: JsonValue, pointer: string): JsonValue | undefined {
  let current: JsonValue | undefined = value;
  for (const member of membersOf(pointer)) {
    if (Array.isArray(current)) current = current[Number(member)];
    else if (isJsonObject(current) && Object.hasOwn(current, member)) current = current[member];
    else return undefined;
  }
  return current;
}

/** An object in which only what the pointer names is there: `/a/b` and 1 make `{"a":{"b":1}}`; "" is the value itself. */
export function wrapAtPointer(pointer: string, value: JsonValue): JsonValue {
  return membersOf(pointer).reduceRight<JsonValue>((inner, member): JsonObject => ({ [member]: inner }), value);
}

function membersOf(pointer: string): string[] {
  if (pointer === "") return [];
  const path = pointer.startsWith("/") ? pointer.slice(1) : pointer;
  return path.split("/").map((member) => member.replaceAll("~1", "/").replaceAll("~0", "~"));
}
