import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import { type MemberTopology, mapOf, type Topology, UNKNOWN, WHOLE } from "./topology.ts";

/** The topology of a custom resource by its structural schema; its metadata is that of every object. */
export function customResourceTopology(schema: JsonObject, metadata: Topology): Topology {
  const body = schemaTopology(schema);
  const own: MemberTopology = { topology: metadata, isDeclared: true, isAlwaysThere: true };
  return {
    kind: "members",
    member: (name) => {
      if (name === "metadata") return own;
      const { topology } = body.kind === "members" ? body.member(name) : { topology: UNKNOWN };
      return { topology, isDeclared: true, isAlwaysThere: false };
    },
  };
}

/** The topology that a structural schema asks for with `x-kubernetes-list-type` and its likes. */
function schemaTopology(schema: JsonValue | undefined): Topology {
  if (!isJsonObject(schema)) return UNKNOWN;
  if (schema["x-kubernetes-map-type"] === "atomic" || schema["x-kubernetes-list-type"] === "atomic") return WHOLE;
  if (schema["x-kubernetes-int-or-string"] === true) return WHOLE;
  switch (schema["type"]) {
    case "object":
      return objectTopology(schema);
    case "array":
      return listTopology(schema);
    case undefined:
      return UNKNOWN;
    default:
      return WHOLE;
  }
}

function objectTopology(schema: JsonObject): Topology {
  const { properties, additionalProperties } = schema;
  if (!isJsonObject(properties))
    return isJsonObject(additionalProperties) ? mapOf(schemaTopology(additionalProperties)) : UNKNOWN;
  const members = new Map<string, MemberTopology>();
  return {
    kind: "members",
    member: (name) => {
      let member = members.get(name);
      if (!member) {
        const isDeclared = Object.hasOwn(properties, name);
        const topology = schemaTopology(isDeclared ? properties[name] : additionalProperties);
        member = { topology, isDeclared, isAlwaysThere: false };
        if (isDeclared) members.set(name, member);
      }
      return member;
    },
  };
}

function listTopology(schema: JsonObject): Topology {
  if (schema["x-kubernetes-list-type"] === "set") return { kind: "set" };
  const keys = schema["x-kubernetes-list-map-keys"];
  if (schema["x-kubernetes-list-type"] !== "map" || !Array.isArray(keys)) return WHOLE;
  return { kind: "keyed", keys: keys.map(String), item: schemaTopology(schema["items"]) };
}
