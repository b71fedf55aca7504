import type { ResourceReference } from "@skerry/api";
import type { JsonObject } from "@skerry/base";
import type { Topology } from "../fieldmanager/topology.ts";
import type { TypeTopologies } from "../fieldmanager/type-topology.ts";
import { addStructs } from "../openapi/add-structs.ts";
import { checkRequiredMembers } from "../openapi/required-members.ts";
import { checkType } from "../openapi/type-check.ts";
import type { TypeCatalog } from "../openapi/type-table.ts";
import { type ApiObject, asJsonObject } from "./api-object.ts";
import type { FieldError } from "./field-error.ts";
import type { Decoded, ObjectSchema } from "./resource-definition.ts";

/** Reads and checks objects of a built-in kind by the type table. */
export class BuiltInSchema implements ObjectSchema {
  readonly #types: TypeCatalog;
  readonly #typeName: string;
  readonly #reference: ResourceReference;
  readonly #topologies: TypeTopologies;

  constructor(topologies: TypeTopologies, typeName: string, reference: ResourceReference) {
    this.#types = topologies.types;
    this.#topologies = topologies;
    this.#typeName = typeName;
    this.#reference = reference;
  }

  get topology(): Topology {
    return this.#topologies.of(this.#typeName);
  }

  decode(object: JsonObject): Decoded {
    const decoded = this.decodePart(object);
    addStructs(this.#types, this.#typeName, decoded.object);
    return decoded;
  }

  decodePart(object: JsonObject): Decoded {
    const { object: read, unknown, mismatch, mismatchType = "" } = checkType(this.#types, this.#typeName, object);
    const { kind, version } = this.#reference;
    if (mismatch === undefined) return { object: read, unknown };
    const message = `${kind} in version "${version}" cannot be handled as a ${kind}: ${mismatch}`;
    return { object: read, unknown, mismatch: { message, type: mismatchType } };
  }

  validate(object: ApiObject): FieldError[] {
    return checkRequiredMembers(this.#types, this.#typeName, asJsonObject(object));
  }
}
