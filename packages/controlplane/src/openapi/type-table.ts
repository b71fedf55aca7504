import { SkerryError } from "@skerry/base";

/**
 * Types by short name (`core.v1.Pod`), each a `;`-separated list of its members: `number name[!] type [hint…]`.
 *
 * - `number`: protobuf field number; `2.1` is field 1 of the message in field 2 whose members JSON shows inline; `-` none.
 * - `!`: required.
 * - `type`: `string`, `int32`, `int64`, `double`, `bool`, `bytes` (base64), `time`, `microtime`, `quantity`,
 *   `intorstring`, `raw` (any object), `fields` (managed fields), `any`, another type's name, `[]T`, `{}T`.
 * - hints: `value` (Go's struct holds it itself, not a pointer: it is always there), `null` (kept as null), `merge[:key]` and `retainKeys` (strategic merge patch), `map[:keys]`, `set`, `atomic`, `granular`
 *   (server-side apply topology), `enum:A|B`.
 *
 * A leading `atomic;` marks the whole type as atomic. One table serves decoding, validation and OpenAPI.
 */
export type TypeTable = Readonly<Record<string, string>>;

const SCALARS = [
  "string",
  "int32",
  "int64",
  "double",
  "bool",
  "bytes",
  "time",
  "microtime",
  "quantity",
  "intorstring",
  "raw",
  "fields",
  "any",
] as const;

export type ScalarName = (typeof SCALARS)[number];

/** What a member's value looks like. */
export type FieldType =
  | { readonly kind: "scalar"; readonly name: ScalarName }
  | { readonly kind: "object"; readonly name: string }
  | { readonly kind: "list"; readonly item: FieldType }
  | { readonly kind: "map"; readonly item: FieldType };

/** One member of a type. */
export interface FieldDescription {
  readonly name: string;
  readonly required: boolean;
  /** Always there, if empty: a part of its parent, not a pointer. */
  readonly alwaysPresent: boolean;
  /** Written as null when it is empty. */
  readonly keepsNull: boolean;
  readonly type: FieldType;
  /** Protobuf field numbers from the message down; empty when protobuf does not carry the member. */
  readonly numbers: readonly number[];
  readonly patchStrategy?: string;
  readonly patchMergeKey?: string;
  readonly listType?: "map" | "set" | "atomic" | "granular";
  readonly listMapKeys?: readonly string[];
  readonly allowed?: readonly string[];
}

/** One type of the table. */
export interface TypeDescription {
  readonly name: string;
  readonly atomic: boolean;
  readonly fields: ReadonlyMap<string, FieldDescription>;
}

/** Reads the table's texts on first use and keeps what it read. */
export class TypeCatalog {
  readonly #tables: readonly TypeTable[];
  readonly #parsed = new Map<string, TypeDescription>();

  constructor(tables: readonly TypeTable[]) {
    this.#tables = tables;
  }

  has(name: string): boolean {
    return this.#tables.some((table) => Object.hasOwn(table, name));
  }

  /** @throws `CONTROLPLANE_TYPE_UNKNOWN` */
  get(name: string): TypeDescription {
    const known = this.#parsed.get(name);
    if (known) return known;
    const text = this.#tables.find((table) => Object.hasOwn(table, name))?.[name];
    if (text === undefined) throw typeUnknown(name);
    const description = parseType(name, text);
    this.#parsed.set(name, description);
    return description;
  }

  /** `root` and every type its members reach, sorted by name. */
  reachableFrom(roots: Iterable<string>): TypeDescription[] {
    const found = new Map<string, TypeDescription>();
    const waiting = [...roots];
    for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
      if (found.has(name)) continue;
      const description = this.get(name);
      found.set(name, description);
      for (const field of description.fields.values()) {
        const target = objectNameOf(field.type);
        if (target !== undefined) waiting.push(target);
      }
    }
    return [...found.values()].sort((left, right) => (left.name < right.name ? -1 : 1));
  }
}

/** The object type at the bottom of lists and maps. */
export function objectNameOf(type: FieldType): string | undefined {
  switch (type.kind) {
    case "object":
      return type.name;
    case "list":
    case "map":
      return objectNameOf(type.item);
    case "scalar":
      return undefined;
  }
}

function typeUnknown(name: string): SkerryError {
  return new SkerryError({
    code: "CONTROLPLANE_TYPE_UNKNOWN",
    message: `The API server's type table has no type ${name}`,
    advice: "This is a bug in Skerry; please report it.",
    details: { name },
  });
}

function parseType(name: string, text: string): TypeDescription {
  const atomic = text.startsWith("atomic;");
  const fields = new Map<string, FieldDescription>();
  for (const part of (atomic ? text.slice("atomic;".length) : text).split(";")) {
    if (part === "") continue;
    const field = parseField(part);
    fields.set(field.name, field);
  }
  return { name, atomic, fields };
}

function parseField(text: string): FieldDescription {
  const [number = "-", marked = "", type = "any", ...hints] = text.split(" ");
  const required = marked.endsWith("!");
  const strategies: string[] = [];
  let field: FieldDescription = {
    name: required ? marked.slice(0, -1) : marked,
    required,
    alwaysPresent: hints.includes("value"),
    keepsNull: hints.includes("null"),
    type: parseFieldType(type),
    numbers: number === "-" ? [] : number.split(".").map(Number),
  };
  for (const hint of hints) {
    const [word = "", argument] = hint.split(":");
    if (word === "merge") {
      strategies.push("merge");
      if (argument !== undefined) field = { ...field, patchMergeKey: argument };
    } else if (word === "retainKeys") strategies.push("retainKeys");
    else if (word === "enum") field = { ...field, allowed: (argument ?? "").split("|") };
    else if (word === "map") field = { ...field, listType: "map", listMapKeys: mapKeys(argument, field.patchMergeKey) };
    else if (word === "set" || word === "atomic" || word === "granular") field = { ...field, listType: word };
  }
  return strategies.length > 0 ? { ...field, patchStrategy: strategies.sort().reverse().join(",") } : field;
}

function mapKeys(argument: string | undefined, mergeKey: string | undefined): readonly string[] {
  if (argument !== undefined) return argument.split(",");
  return mergeKey === undefined ? [] : [mergeKey];
}

function parseFieldType(text: string): FieldType {
  if (text.startsWith("[]")) return { kind: "list", item: parseFieldType(text.slice(2)) };
  if (text.startsWith("{}")) return { kind: "map", item: parseFieldType(text.slice(2)) };
  const scalar = SCALARS.find((name) => name === text);
  return scalar ? { kind: "scalar", name: scalar } : { kind: "object", name: text };
}
