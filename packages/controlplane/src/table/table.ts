import type { ObjectList } from "@skerry/api";
import type { JsonObject, JsonValue } from "@skerry/base";
import { type ApiObject, asJsonObject } from "../registry/api-object.ts";
import type { ResourceDefinition } from "../registry/resource-definition.ts";

/** How much of each object a Table's rows carry. */
export type IncludeObject = "None" | "Metadata" | "Object";

/** A Table of a list or of single objects, as `kubectl get` asks for it. */
export function tableOf(
  definition: ResourceDefinition,
  objects: readonly ApiObject[],
  metadata: ObjectList["metadata"] | { resourceVersion: string },
  include: IncludeObject,
  nowMs: number,
): JsonObject {
  return {
    kind: "Table",
    apiVersion: "meta.k8s.io/v1",
    metadata: { ...metadata },
    columnDefinitions: columnDefinitions(definition),
    rows: objects.map((object) => rowOf(definition, object, include, nowMs)),
  };
}

function columnDefinitions(definition: ResourceDefinition): JsonValue {
  return definition.columns.map(({ name, type, format = "", priority, description }) => ({
    name,
    type,
    format,
    description,
    priority,
  }));
}

function rowOf(definition: ResourceDefinition, object: ApiObject, include: IncludeObject, nowMs: number): JsonObject {
  const json = asJsonObject(object);
  const cells = definition.columns.map((column) => column.cell(json, nowMs));
  if (include === "None") return { cells };
  return { cells, object: include === "Object" ? json : partialMetadata(object) };
}

/** The metadata of an object, as those get it who ask for `PartialObjectMetadata`. */
export function partialMetadata(object: ApiObject): JsonObject {
  return {
    kind: "PartialObjectMetadata",
    apiVersion: "meta.k8s.io/v1",
    metadata: asJsonObject(object)["metadata"] ?? {},
  };
}

/** The list of metadata that `PartialObjectMetadataList` means. */
export function partialMetadataList(list: ObjectList<ApiObject>): JsonObject {
  return {
    kind: "PartialObjectMetadataList",
    apiVersion: "meta.k8s.io/v1",
    metadata: { ...list.metadata },
    items: list.items.map(partialMetadata),
  };
}
