import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import { type FieldSet, FieldSetBuilder } from "./field-set.ts";
import { itemsByElement, type Topology, topologyFor } from "./topology.ts";

/** The fields that an applied configuration says something about. */
export function fieldsOf(topology: Topology, object: JsonObject): FieldSet {
  const set = new FieldSetBuilder();
  visit(set, topology, object, []);
  return set;
}

function visit(set: FieldSetBuilder, topology: Topology, value: JsonValue, path: readonly string[]): void {
  const below = topologyFor(topology, value);
  if (below.kind === "members" && isJsonObject(value)) {
    for (const [name, member] of Object.entries(value)) {
      if (member === undefined) continue;
      const { topology: next, isDeclared } = below.member(name);
      const memberPath = [...path, `f:${name}`];
      visit(set, next, member, memberPath);
      // Of a type's member only the content is owned, an entry of a map also as such.
      if (!isDeclared || member === null || (isJsonObject(member) && Object.keys(member).length === 0))
        set.insert(memberPath);
    }
    return;
  }
  if ((below.kind === "keyed" || below.kind === "set") && Array.isArray(value)) {
    const items = itemsByElement(below, value);
    if (items) {
      for (const [element, item] of items) {
        set.insert([...path, element]);
        if (below.kind === "keyed") visit(set, below.item, item, [...path, element]);
      }
      if (items.size > 0) return;
    }
  }
  visitLeaf(set, path);
}

function visitLeaf(set: FieldSetBuilder, path: readonly string[]): void {
  if (path.length > 0) set.insert(path);
}
