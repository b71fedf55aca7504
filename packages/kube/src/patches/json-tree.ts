import type { KubernetesObject } from "@skerry/api";
import type { JsonObject, JsonValue } from "@skerry/base";

/** The object's own member; undefined when it has none, whatever its prototype says. */
export function ownMember(object: JsonObject, member: string): JsonValue | undefined {
  return Object.hasOwn(object, member) ? object[member] : undefined;
}

/** Sets a member; one called `__proto__` (legal in JSON) becomes a plain member too. */
export function setMember(object: JsonObject, member: string, value: JsonValue): void {
  if (member === "__proto__")
    Object.defineProperty(object, member, { value, enumerable: true, configurable: true, writable: true });
  else object[member] = value;
}

/** The same object seen as raw JSON: typed kinds have no index signature, but are JSON by construction. */
export function asJson(object: object): JsonObject {
  return object as JsonObject;
}

/** Raw JSON seen as an object of kind `T`; only sound for what was one before it was patched. */
export function asObject<T extends KubernetesObject>(json: JsonValue): T {
  return json as unknown as T;
}
