import type { JsonObject, JsonValue } from "@skerry/base";
import { REVIEW_RESOURCES, type ReviewResource } from "../authorization/reviews.ts";
import type { ResourceCatalog } from "../registry/resource-catalog.ts";
import type { ResourceDefinition } from "../registry/resource-definition.ts";
import { descriptionOf } from "./descriptions.ts";
import { pathsOf } from "./openapi-paths.ts";
import type { FieldDescription, FieldType, ScalarName, TypeCatalog, TypeDescription } from "./type-table.ts";

const REFERENCE = "#/components/schemas/";
const SCALAR_TYPES: Readonly<Record<ScalarName, string>> = {
  string: "",
  int32: "",
  int64: "",
  double: "",
  bool: "",
  bytes: "",
  any: "",
  time: "io.k8s.apimachinery.pkg.apis.meta.v1.Time",
  microtime: "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime",
  quantity: "io.k8s.apimachinery.pkg.api.resource.Quantity",
  intorstring: "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
  raw: "io.k8s.apimachinery.pkg.runtime.RawExtension",
  fields: "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1",
};

/** Schemas of the types that are written like plain values. */
const SCALAR_SCHEMAS: Readonly<Record<string, JsonObject>> = {
  [SCALAR_TYPES.time]: { type: "string", format: "date-time" },
  [SCALAR_TYPES.microtime]: { type: "string", format: "date-time" },
  [SCALAR_TYPES.quantity]: { oneOf: [{ type: "string" }, { type: "number" }] },
  [SCALAR_TYPES.intorstring]: { oneOf: [{ type: "integer" }, { type: "string" }], format: "int-or-string" },
  [SCALAR_TYPES.raw]: { type: "object" },
  [SCALAR_TYPES.fields]: { type: "object" },
};

/** Writes the OpenAPI v3 documents, one per group and version, when they are asked for. */
export class OpenApiDocuments {
  readonly #catalog: ResourceCatalog;
  readonly #types: TypeCatalog;
  readonly #texts = new Map<string, string>();
  #version = 0;

  constructor(catalog: ResourceCatalog, types: TypeCatalog) {
    this.#catalog = catalog;
    this.#types = types;
  }

  /** `/openapi/v3`: where each document is. */
  index(): JsonObject {
    const paths: JsonObject = {};
    for (const path of this.documentPaths())
      paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${this.#catalog.version}-${path.length}` };
    return { paths };
  }

  /** The document at `api/v1` or `apis/{group}/{version}`. */
  document(path: string): string | undefined {
    if (this.#version !== this.#catalog.version) {
      this.#texts.clear();
      this.#version = this.#catalog.version;
    }
    const known = this.#texts.get(path);
    if (known !== undefined) return known;
    const definitions = this.#catalog.all().filter((definition) => documentPath(definition) === path);
    const reviews = REVIEW_RESOURCES.filter(({ group }) => `apis/${group}/v1` === path);
    if (definitions.length === 0 && reviews.length === 0) return undefined;
    const text = JSON.stringify({
      openapi: "3.0.0",
      info: { title: "Kubernetes", version: "v1" },
      paths: Object.assign(
        {},
        ...definitions.map((definition) => pathsOf(definition, schemaName(definition))),
        ...reviews.map(reviewPath),
      ),
      components: { schemas: { ...this.#schemas(definitions), ...this.#reviewSchemas(reviews) } },
    });
    this.#texts.set(path, text);
    return text;
  }

  /** Where the documents are: `api/v1`, `apis/{group}/{version}`. */
  documentPaths(): string[] {
    return [
      ...new Set([
        ...this.#catalog.all().map(documentPath),
        ...REVIEW_RESOURCES.map(({ group }) => `apis/${group}/v1`),
      ]),
    ];
  }

  #reviewSchemas(reviews: readonly ReviewResource[]): JsonObject {
    const schemas: JsonObject = {};
    const kinds = new Map(reviews.map((review) => [reviewType(review), review]));
    for (const type of this.#types.reachableFrom(kinds.keys())) {
      const review = kinds.get(type.name);
      schemas[openApiName(type.name)] = {
        ...typeSchema(type),
        ...(review ? { "x-kubernetes-group-version-kind": [reviewKind(review)] } : {}),
      };
    }
    return schemas;
  }

  #schemas(definitions: readonly ResourceDefinition[]): JsonObject {
    const schemas: JsonObject = { ...SCALAR_SCHEMAS };
    const kinds = new Map<string, ResourceDefinition>();
    const roots = ["meta.v1.ObjectMeta", "meta.v1.ListMeta", "meta.v1.DeleteOptions", "meta.v1.Status"];
    for (const definition of definitions) {
      if ("typeName" in definition.openApi) {
        roots.push(definition.openApi.typeName);
        kinds.set(definition.openApi.typeName, definition);
      } else schemas[schemaName(definition)] = customSchema(definition, definition.openApi.schema);
      schemas[`${schemaName(definition)}List`] = listSchema(definition);
    }
    for (const type of this.#types.reachableFrom(roots)) {
      const definition = kinds.get(type.name);
      schemas[openApiName(type.name)] = {
        ...typeSchema(type),
        ...(definition ? { "x-kubernetes-group-version-kind": [kindOf(definition)] } : {}),
      };
    }
    return schemas;
  }
}

function reviewType({ group, kind }: ReviewResource): string {
  return `${group.split(".")[0]}.v1.${kind}`;
}

function reviewKind({ group, kind }: ReviewResource): JsonObject {
  return { group, version: "v1", kind };
}

/** Reviews are only posted. */
function reviewPath(review: ReviewResource): JsonObject {
  const reference = { $ref: `${REFERENCE}${openApiName(reviewType(review))}` };
  const content = { "application/json": { schema: reference } };
  const place = review.namespaced ? "namespaces/{namespace}/" : "";
  return {
    [`/apis/${review.group}/v1/${place}${review.resource}`]: {
      post: {
        "x-kubernetes-action": "post",
        "x-kubernetes-group-version-kind": reviewKind(review),
        requestBody: { content },
        responses: { "201": { description: "Created", content } },
      },
    },
  };
}

function documentPath({ reference: { group, version } }: ResourceDefinition): string {
  return group === "" ? `api/${version}` : `apis/${group}/${version}`;
}

/** The schema's name of a resource's kind. */
export function schemaName(definition: ResourceDefinition): string {
  if ("typeName" in definition.openApi) return openApiName(definition.openApi.typeName);
  const { group, version, kind } = definition.reference;
  return `${group.split(".").reverse().join(".")}.${version}.${kind}`;
}

function openApiName(typeName: string): string {
  if (typeName.startsWith("meta.")) return `io.k8s.apimachinery.pkg.apis.${typeName}`;
  if (typeName.startsWith("apiextensions.")) return `io.k8s.apiextensions-apiserver.pkg.apis.${typeName}`;
  return `io.k8s.api.${typeName}`;
}

function kindOf({ reference: { group, version, kind } }: ResourceDefinition, suffix = ""): JsonObject {
  return { group, version, kind: `${kind}${suffix}` };
}

function typeSchema(type: TypeDescription): JsonObject {
  const properties: JsonObject = {};
  const required: string[] = [];
  for (const field of type.fields.values()) {
    properties[field.name] = fieldSchema(type.name, field);
    if (field.required) required.push(field.name);
  }
  return {
    type: "object",
    description: descriptionOf(type.name),
    ...(required.length > 0 ? { required } : {}),
    properties,
    ...(type.atomic ? { "x-kubernetes-map-type": "atomic" } : {}),
  };
}

function fieldSchema(typeName: string, field: FieldDescription): JsonObject {
  const description = descriptionOf(typeName, field.name);
  const schema: JsonObject = { ...(description === "" ? {} : { description }), ...valueSchema(field.type) };
  if (field.patchStrategy !== undefined) schema["x-kubernetes-patch-strategy"] = field.patchStrategy;
  if (field.patchMergeKey !== undefined) schema["x-kubernetes-patch-merge-key"] = field.patchMergeKey;
  if (field.listType !== undefined) {
    const isMap = field.type.kind === "map" || field.type.kind === "object";
    schema[isMap ? "x-kubernetes-map-type" : "x-kubernetes-list-type"] = field.listType;
  }
  if (field.listMapKeys && field.listMapKeys.length > 0) schema["x-kubernetes-list-map-keys"] = [...field.listMapKeys];
  if (field.allowed) schema["enum"] = [...field.allowed];
  return schema;
}

function valueSchema(type: FieldType): JsonObject {
  switch (type.kind) {
    case "object":
      return { allOf: [{ $ref: `${REFERENCE}${openApiName(type.name)}` }] };
    case "list":
      return { type: "array", items: itemSchema(type.item) };
    case "map":
      return { type: "object", additionalProperties: itemSchema(type.item) };
    case "scalar": {
      const name = SCALAR_TYPES[type.name];
      return name === "" ? plainSchema(type.name) : { allOf: [{ $ref: `${REFERENCE}${name}` }] };
    }
  }
}

/** Items refer to their type directly. */
function itemSchema(type: FieldType): JsonValue {
  if (type.kind === "object") return { $ref: `${REFERENCE}${openApiName(type.name)}` };
  if (type.kind === "scalar" && SCALAR_TYPES[type.name] !== "")
    return { $ref: `${REFERENCE}${SCALAR_TYPES[type.name]}` };
  return valueSchema(type);
}

function plainSchema(name: ScalarName): JsonObject {
  switch (name) {
    case "int32":
    case "int64":
      return { type: "integer", format: name };
    case "double":
      return { type: "number", format: "double" };
    case "bool":
      return { type: "boolean" };
    case "bytes":
      return { type: "string", format: "byte" };
    case "any":
      return { type: "object", "x-kubernetes-preserve-unknown-fields": true };
    default:
      return { type: "string" };
  }
}

function customSchema(definition: ResourceDefinition, schema: JsonObject): JsonObject {
  return {
    ...structuredClone(schema),
    properties: {
      ...(structuredClone(schema["properties"]) as JsonObject | undefined),
      apiVersion: { type: "string", description: "Version of the object's schema." },
      kind: { type: "string", description: "What the object is." },
      metadata: { allOf: [{ $ref: `${REFERENCE}${openApiName("meta.v1.ObjectMeta")}` }] },
    },
    "x-kubernetes-group-version-kind": [kindOf(definition)],
  };
}

function listSchema(definition: ResourceDefinition): JsonObject {
  return {
    type: "object",
    required: ["items"],
    properties: {
      apiVersion: { type: "string" },
      kind: { type: "string" },
      metadata: { allOf: [{ $ref: `${REFERENCE}${openApiName("meta.v1.ListMeta")}` }] },
      items: { type: "array", items: { $ref: `${REFERENCE}${schemaName(definition)}` } },
    },
    "x-kubernetes-group-version-kind": [kindOf(definition, "List")],
  };
}
