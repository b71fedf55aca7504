import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import type { FieldSet } from "./field-set.ts";
import { itemsByElement, type Topology, topologyFor, WHOLE } from "./topology.ts";

/** The live object with an applied configuration laid over it. */
export function mergeApplied(topology: Topology, live: JsonObject, config: JsonObject): JsonObject {
  return mergeValue(topology, live, config) as JsonObject;
}

function mergeValue(topology: Topology, live: JsonValue | undefined, config: JsonValue): JsonValue {
  const below = topologyFor(topology, config);
  if (below.kind === "members" && isJsonObject(config)) {
    const base = isJsonObject(live) ? live : {};
    const members: [string, JsonValue][] = [];
    for (const [name, value] of Object.entries(base))
      if (value !== undefined && config[name] === undefined) members.push([name, value]);
    for (const [name, value] of Object.entries(config))
      if (value !== undefined)
        members.push([
          name,
          mergeValue(below.member(name).topology, Object.hasOwn(base, name) ? base[name] : undefined, value),
        ]);
    return Object.fromEntries(members); // Not by assignment: a key may be `__proto__`.
  }
  if ((below.kind === "keyed" || below.kind === "set") && Array.isArray(config) && Array.isArray(live)) {
    const [old, next] = [itemsByElement(below, live), itemsByElement(below, config)];
    if (old && next) return mergeItems(below.kind === "keyed" ? below.item : WHOLE, old, next);
  }
  return config;
}

/** The configuration's items in its order; those it does not name keep their place before the next one that it does. */
function mergeItems(item: Topology, old: Map<string, JsonValue>, next: Map<string, JsonValue>): JsonValue[] {
  const result: JsonValue[] = [];
  const waiting = [...old.keys()];
  const pass = (count: number): void => {
    for (const element of waiting.splice(0, count)) {
      const own = old.get(element);
      if (!next.has(element) && own !== undefined) result.push(own);
    }
  };
  for (const [element, value] of next) {
    const before = old.has(element)
      ? waiting.indexOf(element) + 1
      : waiting.findIndex((candidate) => next.has(candidate));
    pass(before === -1 ? waiting.length : before);
    result.push(mergeValue(item, old.get(element), value));
  }
  pass(waiting.length);
  return result;
}

/**
 * Takes away what a manager applied the last time, does not name any more, and nobody else owns.
 * @param last what the manager owned before
 * @param owned what all managers own now
 */
export function pruneApplied(topology: Topology, merged: JsonObject, last: FieldSet, owned: FieldSet): JsonObject {
  return pruneValue(topology, merged, last, owned) as JsonObject;
}

function pruneValue(topology: Topology, value: JsonValue, last: FieldSet, owned: FieldSet | undefined): JsonValue {
  const below = topologyFor(topology, value);
  if (below.kind === "members" && isJsonObject(value)) {
    const kept: [string, JsonValue][] = [];
    for (const [name, member] of Object.entries(value)) {
      if (member === undefined) continue;
      const left = pruned(below.member(name).topology, member, `f:${name}`, last, owned);
      if (left !== undefined) kept.push([name, left]);
    }
    return Object.fromEntries(kept);
  }
  if ((below.kind === "keyed" || below.kind === "set") && Array.isArray(value)) {
    const items = itemsByElement(below, value);
    if (!items) return value;
    const item = below.kind === "keyed" ? below.item : WHOLE;
    return [...items]
      .map(([element, member]) => pruned(item, member, element, last, owned))
      .filter((left) => left !== undefined);
  }
  return value;
}

/** What is left of one member or item; undefined when it goes. */
function pruned(
  topology: Topology,
  value: JsonValue,
  element: string,
  last: FieldSet,
  owned: FieldSet | undefined,
): JsonValue | undefined {
  const was = last.children.get(element);
  if (!was) return value;
  const is = owned?.children.get(element);
  return is ? pruneValue(topology, value, was, is) : undefined;
}
