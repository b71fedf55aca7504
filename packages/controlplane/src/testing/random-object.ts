import type { JsonObject, JsonValue } from "@skerry/base";
import { type Random, randomInteger } from "@skerry/base";
import type { FieldType, TypeCatalog } from "../openapi/type-table.ts";

/** Texts that mean something somewhere, and texts that should mean nothing anywhere. */
const TEXTS: readonly string[] = [
  ...["", "a", "default", "web-0", "Always", "ClusterIP", "TCP", "100m", "64Mi", "-1", "1e400", "50%", "*/5 * * * *"],
  ...[
    "2024-02-30T00:00:00Z",
    "2024-01-01T00:00:00Z",
    "10.0.0.1",
    "::1",
    "example.com/x",
    "{{}}",
    "../../etc",
    "a=b,c in (d)",
  ],
  ...[
    "__proto__",
    "constructor",
    "toString",
    "ünïcödé ☃",
    "\u0000",
    "\ud800",
    "x".repeat(300),
    "a\r\nb: c",
    "self.x.y",
    "(a+)+$",
  ],
];
/** Values that a type's decoder takes. */
const WELL_FORMED: Readonly<Record<string, readonly JsonValue[]>> = {
  bool: [true, false],
  int32: [0, 1, 2, 3, 30, 80, -1, 65_536, 2 ** 31 - 1],
  int64: [0, 1, 3, 30, -1, 2 ** 53],
  double: [0, 0.5, -1, 1e300],
  bytes: ["", "YQ==", "e30="],
  time: ["2024-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z"],
  microtime: ["2024-01-01T00:00:00.123456Z", "0001-01-01T00:00:00.000000Z"],
  quantity: ["0", "1", "100m", "64Mi", "1e3", "-1", "123456789012345678901234567890Ei"],
  intorstring: [0, 80, -1, "http", "50%", "-5%", ""],
  raw: [{}, { kind: "X" }],
  fields: [{}, { "f:spec": {} }],
};
const NUMBERS: readonly number[] = [0, 1, 2, 3, 30, -1, 1.5, 2 ** 31, -(2 ** 31) - 1, 2 ** 53, 1e21, 1e308, 65_536];
const DEPTH_LIMIT = 9;

/** How wild the objects are. */
export interface Wildness {
  /** The share of members that have a value of another type than theirs. */
  readonly wrongShare: number;
  /** The share of the members of a type that are there. */
  readonly memberShare: number;
}

/** Makes objects of the API's types: mostly of the right shape, so that they come far, and wrong in some place. */
export class RandomObjects {
  readonly #types: TypeCatalog;
  readonly #random: Random;
  readonly #wildness: Wildness;

  constructor(types: TypeCatalog, random: Random, wildness: Wildness) {
    this.#types = types;
    this.#random = random;
    this.#wildness = wildness;
  }

  /** An object of a type. */
  object(typeName: string, depth = 0): JsonObject {
    const result: JsonObject = {};
    for (const field of this.#types.get(typeName).fields.values()) {
      const share = field.required ? 0.95 : this.#wildness.memberShare / (1 + depth / 2);
      if (this.#random.float() >= share) continue;
      const allowed = field.allowed && this.#random.float() < 0.9 ? this.#pick(field.allowed) : undefined;
      result[field.name] = allowed ?? this.#value(field.type, depth + 1);
    }
    if (this.#random.float() < this.#wildness.wrongShare) result[this.text()] = this.any(depth + 1);
    return result;
  }

  /** Any JSON. */
  any(depth = 0): JsonValue {
    switch (randomInteger(this.#random, depth > DEPTH_LIMIT ? 5 : 7)) {
      case 0:
        return null;
      case 1:
        return this.#random.float() < 0.5;
      case 2:
        return this.#pick(NUMBERS) ?? 0;
      case 3:
      case 4:
        return this.text();
      case 5:
        return Array.from({ length: randomInteger(this.#random, 3) }, () => this.any(depth + 1));
      default:
        return Object.fromEntries(
          Array.from({ length: randomInteger(this.#random, 3) }, () => [this.text(), this.any(depth + 1)]),
        );
    }
  }

  text(): string {
    return this.#pick(TEXTS) ?? "";
  }

  #value(type: FieldType, depth: number): JsonValue {
    if (depth > DEPTH_LIMIT || this.#random.float() < this.#wildness.wrongShare) return this.any(depth);
    const length = randomInteger(this.#random, 3);
    switch (type.kind) {
      case "object":
        return this.object(type.name, depth);
      case "list":
        return Array.from({ length }, () => this.#value(type.item, depth + 1));
      case "map":
        return Object.fromEntries(Array.from({ length }, () => [this.text(), this.#value(type.item, depth + 1)]));
      case "scalar":
        break;
    }
    if (type.name === "any") return this.any(depth);
    return structuredClone(this.#pick(WELL_FORMED[type.name] ?? TEXTS) ?? "");
  }

  #pick<T>(values: readonly T[]): T | undefined {
    return values[randomInteger(this.#random, values.length)];
  }
}
