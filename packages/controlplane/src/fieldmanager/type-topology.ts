import type { FieldDescription, FieldType, TypeCatalog } from "../openapi/type-table.ts";
import { type MemberTopology, mapOf, type Topology, UNKNOWN, WHOLE } from "./topology.ts";

/** Topologies of the built-in types; each is made once, when it is first asked for. */
export class TypeTopologies {
  readonly types: TypeCatalog;
  readonly #known = new Map<string, Topology>();

  constructor(types: TypeCatalog) {
    this.types = types;
  }

  of(typeName: string): Topology {
    const known = this.#known.get(typeName);
    if (known) return known;
    const type = this.types.get(typeName);
    const members = new Map<string, MemberTopology>();
    const topology: Topology = type.atomic
      ? WHOLE
      : { kind: "members", member: (name) => this.#member(type.fields, members, name) };
    this.#known.set(typeName, topology);
    return topology;
  }

  #member(
    fields: ReadonlyMap<string, FieldDescription>,
    members: Map<string, MemberTopology>,
    name: string,
  ): MemberTopology {
    const known = members.get(name);
    if (known) return known;
    const field = fields.get(name);
    if (!field) return { topology: UNKNOWN, isDeclared: false, isAlwaysThere: false };
    const member: MemberTopology = {
      topology: this.#ofField(field.type, field),
      isDeclared: true,
      isAlwaysThere: field.alwaysPresent || field.required,
    };
    members.set(name, member);
    return member;
  }

  #ofField(type: FieldType, field?: FieldDescription): Topology {
    if (field?.listType === "atomic") return WHOLE;
    switch (type.kind) {
      case "object":
        return this.of(type.name);
      case "map":
        return mapOf(this.#ofField(type.item));
      case "list":
        if (field?.listType === "set") return { kind: "set" };
        if (field?.listType !== "map") return WHOLE;
        return { kind: "keyed", keys: field.listMapKeys ?? [], item: this.#ofField(type.item) };
      case "scalar":
        return type.name === "raw" || type.name === "any" ? UNKNOWN : WHOLE;
    }
  }
}
