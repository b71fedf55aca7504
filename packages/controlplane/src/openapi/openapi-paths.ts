import type { JsonObject } from "@skerry/base";
import type { ResourceDefinition } from "../registry/resource-definition.ts";

const PATCH_TYPES = ["application/json-patch+json", "application/merge-patch+json"];
const STRATEGIC = "application/strategic-merge-patch+json";

const queryParameter = (name: string, type = "string"): JsonObject => ({
  name,
  in: "query",
  schema: { type, uniqueItems: true },
});
/** By these kubectl learns that the server validates members itself. */
const WRITE_PARAMETERS: readonly JsonObject[] = ["dryRun", "fieldManager", "fieldValidation"].map((name) =>
  queryParameter(name),
);

/** The paths of a resource: enough for kubectl's apply, explain and create. */
export function pathsOf(definition: ResourceDefinition, schema: string): JsonObject {
  const { group, version, kind, resource, namespaced } = definition.reference;
  const gvk = { group, version, kind };
  const root = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
  const collection = namespaced ? `${root}/namespaces/{namespace}/${resource}` : `${root}/${resource}`;
  const answer = (code: string, name: string): JsonObject => ({
    [code]: {
      description: "OK",
      content: { "application/json": { schema: { $ref: `#/components/schemas/${name}` } } },
    },
  });
  const operation = (action: string, responses: JsonObject, more: JsonObject = {}): JsonObject => ({
    "x-kubernetes-action": action,
    "x-kubernetes-group-version-kind": gvk,
    responses,
    ...more,
  });
  const body = (types: readonly string[], reference: string): JsonObject => ({
    requestBody: {
      required: true,
      content: Object.fromEntries(
        types.map((type) => [type, { schema: { $ref: `#/components/schemas/${reference}` } }]),
      ),
    },
  });
  const parameters = [...WRITE_PARAMETERS];
  const json = ["application/json"];
  const patchTypes = definition.isCustom ? PATCH_TYPES : [...PATCH_TYPES, STRATEGIC];
  return {
    [collection]: {
      get: operation("list", answer("200", `${schema}List`)),
      post: operation("post", answer("201", schema), { parameters, ...body(json, schema) }),
    },
    [`${collection}/{name}`]: {
      get: operation("get", answer("200", schema)),
      put: operation("put", answer("200", schema), { parameters, ...body(json, schema) }),
      patch: operation("patch", answer("200", schema), { parameters, ...body(patchTypes, schema) }),
      delete: operation("delete", answer("200", "io.k8s.apimachinery.pkg.apis.meta.v1.Status"), {
        parameters: [queryParameter("dryRun")],
      }),
    },
  };
}
