import { isJsonObject, type JsonObject } from "@skerry/base";

/**
 * A set of fields of an object, as a tree along their paths. Path elements are written as in FieldsV1: `f:name` a member,
 * `k:{…}` the list item with these keys, `v:…` the item with this value.
 */
export interface FieldSet {
  /** Whether the field at this place is itself in the set, and not only fields below it. */
  readonly isMember: boolean;
  readonly children: ReadonlyMap<string, FieldSet>;
}

/** A set that grows while an object is walked. */
export class FieldSetBuilder implements FieldSet {
  isMember = false;
  readonly children: Map<string, FieldSetBuilder> = new Map();

  insert(path: readonly string[]): void {
    this.#reach(path).isMember = true;
  }

  #reach(path: readonly string[]): FieldSetBuilder {
    let node: FieldSetBuilder = this;
    for (const element of path) {
      let next = node.children.get(element);
      if (!next) {
        next = new FieldSetBuilder();
        node.children.set(element, next);
      }
      node = next;
    }
    return node;
  }
}

export const EMPTY_SET: FieldSet = { isMember: false, children: new Map() };
const LEAF: FieldSet = { isMember: true, children: new Map() };

/** The set of these paths. */
export function fieldSetOf(paths: readonly (readonly string[])[]): FieldSet {
  const builder = new FieldSetBuilder();
  for (const path of paths) builder.insert(path);
  return builder;
}

export function isEmptySet(set: FieldSet): boolean {
  return !set.isMember && set.children.size === 0;
}

/** Reads FieldsV1; what is no field set is left out. */
export function fromFieldsV1(fields: JsonObject): FieldSet {
  const children = new Map<string, FieldSet>();
  let isMember = false;
  for (const [element, value] of Object.entries(fields)) {
    if (element === ".") isMember = true;
    else if (isJsonObject(value)) children.set(element, Object.keys(value).length === 0 ? LEAF : fromFieldsV1(value));
  }
  return { isMember, children };
}

/** Writes FieldsV1, elements in order. */
export function toFieldsV1(set: FieldSet): JsonObject {
  const members: [string, JsonObject][] = set.isMember && set.children.size > 0 ? [[".", {}]] : [];
  for (const element of [...set.children.keys()].sort()) {
    const child = set.children.get(element);
    if (child) members.push([element, toFieldsV1(child)]);
  }
  return Object.fromEntries(members);
}

export function union(left: FieldSet, right: FieldSet): FieldSet {
  if (isEmptySet(left)) return right;
  if (isEmptySet(right)) return left;
  const children = new Map(left.children);
  for (const [element, child] of right.children) {
    const own = children.get(element);
    children.set(element, own ? union(own, child) : child);
  }
  return { isMember: left.isMember || right.isMember, children };
}

/** The fields of `left` that `right` does not name. */
export function difference(left: FieldSet, right: FieldSet): FieldSet {
  return combine(left, right, (inLeft, inRight) => inLeft && !inRight, "keep");
}

/** The fields that both name. */
export function intersection(left: FieldSet, right: FieldSet): FieldSet {
  return combine(left, right, (inLeft, inRight) => inLeft && inRight, "drop");
}

/** The fields of `left` that are neither in `right` nor below a field of it. */
export function differenceBelow(left: FieldSet, right: FieldSet): FieldSet {
  if (right.isMember) return EMPTY_SET;
  if (right.children.size === 0) return left;
  const children = new Map<string, FieldSet>();
  for (const [element, child] of left.children) {
    const other = right.children.get(element);
    const rest = other ? differenceBelow(child, other) : child;
    if (!isEmptySet(rest)) children.set(element, rest);
  }
  return { isMember: left.isMember, children };
}

function combine(
  left: FieldSet,
  right: FieldSet,
  holds: (inLeft: boolean, inRight: boolean) => boolean,
  leftOnly: "keep" | "drop",
): FieldSet {
  const children = new Map<string, FieldSet>();
  for (const [element, child] of left.children) {
    const other = right.children.get(element);
    const rest = other ? combine(child, other, holds, leftOnly) : leftOnly === "keep" ? child : EMPTY_SET;
    if (!isEmptySet(rest)) children.set(element, rest);
  }
  return { isMember: holds(left.isMember, right.isMember), children };
}

/** The paths in a set as errors name them, e.g. `.spec.containers[name="c"].image`. */
export function pathTexts(set: FieldSet, prefix = ""): string[] {
  const texts = set.isMember && prefix !== "" ? [prefix] : [];
  for (const element of [...set.children.keys()].sort()) {
    const child = set.children.get(element);
    if (child) texts.push(...pathTexts(child, `${prefix}${elementText(element)}`));
  }
  return texts;
}

function elementText(element: string): string {
  const text = element.slice(2);
  if (element.startsWith("f:")) return `.${text}`;
  if (element.startsWith("v:")) return `[=${text}]`;
  const keys = JSON.parse(text) as Record<string, unknown>;
  return `[${Object.entries(keys)
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join(",")}]`;
}
