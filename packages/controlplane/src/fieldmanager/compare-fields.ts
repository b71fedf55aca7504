import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import { jsonEqual } from "@skerry/kube";
import { type FieldSet, FieldSetBuilder } from "./field-set.ts";
import { itemsByElement, type Topology, topologyFor } from "./topology.ts";

/** Which fields differ between two states of an object. */
export interface FieldComparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

/** Compares two states of an object field by field. */
export function compareFields(topology: Topology, before: JsonObject, after: JsonObject): FieldComparison {
  const walk = new ComparisonWalk();
  walk.visit(topology, before, after);
  return walk;
}

class ComparisonWalk implements FieldComparison {
  readonly added: FieldSetBuilder = new FieldSetBuilder();
  readonly modified: FieldSetBuilder = new FieldSetBuilder();
  readonly removed: FieldSetBuilder = new FieldSetBuilder();
  readonly #path: string[] = [];

  visit(topology: Topology, before: JsonValue | undefined, after: JsonValue | undefined): void {
    if (before === undefined && after === undefined) return;
    // The usual case by far: nothing below has changed.
    if (before !== undefined && after !== undefined && jsonEqual(before, after)) return;
    const below = topologyFor(topology, after ?? before);
    if (below.kind === "members" && this.#visitMembers(below, before, after)) return;
    if ((below.kind === "keyed" || below.kind === "set") && this.#visitItems(below, before, after)) return;
    this.#report(before, after, true);
  }

  #visitMembers(
    topology: Topology & { kind: "members" },
    before: JsonValue | undefined,
    after: JsonValue | undefined,
  ): boolean {
    if (!isObjectOrNothing(before) || !isObjectOrNothing(after)) return false;
    if (isBlank(before) && isBlank(after)) return false;
    for (const name of new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])) {
      const { topology: member, isAlwaysThere } = topology.member(name);
      this.#descend(`f:${name}`, member, memberOf(before, name, isAlwaysThere), memberOf(after, name, isAlwaysThere));
    }
    this.#report(before, after, false);
    return true;
  }

  #visitItems(
    topology: Topology & { kind: "keyed" | "set" },
    before: JsonValue | undefined,
    after: JsonValue | undefined,
  ): boolean {
    if (!isListOrNothing(before) || !isListOrNothing(after)) return false;
    if ((before ?? []).length === 0 && (after ?? []).length === 0) return false;
    const [old, next] = [itemsByElement(topology, before ?? []), itemsByElement(topology, after ?? [])];
    if (!old || !next) return false;
    const item: Topology = topology.kind === "keyed" ? topology.item : { kind: "whole" };
    for (const element of new Set([...old.keys(), ...next.keys()]))
      this.#descend(element, item, old.get(element), next.get(element));
    this.#report(before, after, false);
    return true;
  }

  #descend(element: string, topology: Topology, before: JsonValue | undefined, after: JsonValue | undefined): void {
    this.#path.push(element);
    this.visit(topology, before, after);
    this.#path.pop();
  }

  #report(before: JsonValue | undefined, after: JsonValue | undefined, isLeaf: boolean): void {
    if (before === undefined) this.added.insert(this.#path);
    else if (after === undefined) this.removed.insert(this.#path);
    else if (isLeaf && !sameLeaf(before, after)) this.modified.insert(this.#path);
  }
}

/** A member's value; null when Go has it although nothing is written. */
function memberOf(parent: JsonObject | null | undefined, name: string, isAlwaysThere: boolean): JsonValue | undefined {
  if (parent === undefined) return undefined;
  const value = parent?.[name];
  return value === undefined && isAlwaysThere ? null : value;
}

/** Null stands for what Go has always: it equals what is empty. */
function sameLeaf(before: JsonValue, after: JsonValue): boolean {
  return jsonEqual(before, after) || (isBlankValue(before) && isBlankValue(after));
}

function isBlankValue(value: JsonValue): boolean {
  if (value === null || value === "" || value === 0 || value === false) return true;
  return Array.isArray(value) ? value.length === 0 : isJsonObject(value) && Object.keys(value).length === 0;
}

function isObjectOrNothing(value: JsonValue | undefined): value is JsonObject | null | undefined {
  return value === undefined || value === null || isJsonObject(value);
}

function isListOrNothing(value: JsonValue | undefined): value is JsonValue[] | null | undefined {
  return value === undefined || value === null || Array.isArray(value);
}

function isBlank(value: JsonObject | null | undefined): boolean {
  return value === undefined || value === null || Object.keys(value).length === 0;
}
