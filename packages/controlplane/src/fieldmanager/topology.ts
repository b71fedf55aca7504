import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";

/** How the values at a place of an object are owned: member by member, item by item, or as a whole. */
export type Topology =
  /** One value; also lists and maps that are only replaced whole. */
  | { readonly kind: "whole" }
  | { readonly kind: "members"; member(name: string): MemberTopology }
  /** A list whose items are told apart by the values of these members. */
  | { readonly kind: "keyed"; readonly keys: readonly string[]; readonly item: Topology }
  /** A list of values without repetition. */
  | { readonly kind: "set" }
  /** Nothing is known: objects member by member, lists as a whole. */
  | { readonly kind: "unknown" };

/** One member of an object. */
export interface MemberTopology {
  readonly topology: Topology;
  /** A member of a type, not an entry of a map. */
  readonly isDeclared: boolean;
  /** Go has it always, if empty: it does not count as added when it gets its first content. */
  readonly isAlwaysThere: boolean;
}

export const WHOLE: Topology = { kind: "whole" };
export const UNKNOWN: Topology = { kind: "unknown" };

const ENTRY_OF_UNKNOWN: MemberTopology = { topology: UNKNOWN, isDeclared: false, isAlwaysThere: false };

/** Members and list keys that have a value when they are left out. */
const KEY_DEFAULTS: Readonly<Record<string, JsonValue>> = { protocol: "TCP" };

/** A map: each entry is owned for itself. */
export function mapOf(item: Topology): Topology {
  const entry: MemberTopology = { topology: item, isDeclared: false, isAlwaysThere: false };
  return { kind: "members", member: () => entry };
}

/** How to go on below a value: its topology's own way, or what the value itself looks like. */
export function topologyFor(topology: Topology, value: JsonValue | undefined): Topology {
  if (topology.kind !== "unknown") return topology;
  return isJsonObject(value) ? { kind: "members", member: () => ENTRY_OF_UNKNOWN } : WHOLE;
}

/**
 * The items of a list by their path elements; undefined when the list cannot be told apart that way (an item without its
 * keys, one that comes twice) and is then owned as a whole.
 */
export function itemsByElement(
  topology: Topology & { kind: "keyed" | "set" },
  list: readonly JsonValue[],
): Map<string, JsonValue> | undefined {
  const items = new Map<string, JsonValue>();
  for (const item of list) {
    const element = topology.kind === "set" ? `v:${JSON.stringify(item)}` : keyedElement(topology.keys, item);
    if (element === undefined || items.has(element)) return undefined;
    items.set(element, item);
  }
  return items;
}

function keyedElement(keys: readonly string[], item: JsonValue): string | undefined {
  if (!isJsonObject(item)) return undefined;
  const values: JsonObject = {};
  for (const key of [...keys].sort()) {
    const value = item[key] ?? KEY_DEFAULTS[key];
    if (value !== undefined) values[key] = value;
  }
  return Object.keys(values).length === 0 ? undefined : `k:${JSON.stringify(values)}`;
}
