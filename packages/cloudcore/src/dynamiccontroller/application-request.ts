import type { ResourceReference } from "@skerry/api";
import { fromBase64, isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import { collectionPath, type DelegatedRequest, objectPath } from "@skerry/kube";
import type { Application } from "@skerry/link";

/** What an application's key names. */
export interface ApplicationTarget {
  readonly resource: ResourceReference;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
}

/** What is answered with the API server's own answer (wire.md 12.4). */
const PASS_THROUGH = [
  /^\/(version|api|apis|healthz|livez|readyz)$/,
  /^\/openapi\/v[23]$/,
  // One document of the index of /openapi/v3; KubeEdge's edge never asks for it.
  /^\/openapi\/v3\/(api|apis)(\/[a-z0-9.-]+)*$/,
  /^\/api\/v[a-z0-9]+$/,
  /^\/apis\/[a-z0-9.-]+(\/v[a-z0-9]+)?$/,
];

const NAME = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;
const CLUSTER_SCOPE = "null";

/** Whether the key is the path of a question about the API server itself. */
export function isPassThrough(key: string): boolean {
  return key.length <= 512 && PASS_THROUGH.some((pattern) => pattern.test(key));
}

/** Reads `/<group or core>/<version>/<resource>/<namespace or null>/<name or null>`; undefined for anything else. */
export function parseApplicationKey(key: string): ApplicationTarget | undefined {
  const [empty, group = "", version = "", resource = "", namespace = "", name = "", ...rest] = key.split("/");
  if (empty !== "" || rest.length > 0 || namespace === "" || name === "" || key.length > 1024) return undefined;
  if (![group, version, resource].every((part) => NAME.test(part))) return undefined;
  return {
    resource: {
      group: group === "core" ? "" : group,
      version,
      resource,
      kind: "",
      namespaced: namespace !== CLUSTER_SCOPE,
    },
    namespace: namespace === CLUSTER_SCOPE ? undefined : namespace,
    name: name === CLUSTER_SCOPE ? undefined : name,
  };
}

/**
 * The API server's request for an application that is no watch; undefined when it makes none.
 * @throws ApiError BadRequest for a name that would lead elsewhere
 */
export function requestOf(application: Application): DelegatedRequest | undefined {
  const { key, verb, option, requestBody: body, subresource } = application;
  if (verb === "get" && isPassThrough(key)) return { method: "GET", path: key };
  const target = parseApplicationKey(key);
  if (!target || verb === "watch" || !isSubresource(subresource)) return undefined;
  const path = pathOf(target, verb === "updatestatus" ? "status" : subresource);
  switch (verb) {
    case "get":
      return target.name === undefined ? undefined : { method: "GET", path };
    case "list":
      return { method: "GET", path, query: listQuery(option) };
    case "create":
      return body === undefined ? undefined : { method: "POST", path, query: writeQuery(option), body };
    case "update":
    case "updatestatus":
      if (body === undefined || target.name === undefined) return undefined;
      return { method: "PUT", path, query: writeQuery(option), body };
    case "patch":
      return patchRequest(target, option);
    case "delete":
      if (target.name === undefined) return undefined;
      return { method: "DELETE", path, body: JSON.stringify({ ...option, kind: "DeleteOptions", apiVersion: "v1" }) };
  }
}

function pathOf({ resource, namespace, name }: ApplicationTarget, subresource: string): string {
  const collection = { resource, ...(namespace === undefined ? {} : { namespace }) };
  if (name === undefined) return collectionPath(collection);
  return objectPath({ ...collection, name, ...(subresource === "" ? {} : { subresource }) });
}

/** `{"Name", "PatchType", "Data", "Options", "Subresources"}`. */
function patchRequest(target: ApplicationTarget, option: JsonObject): DelegatedRequest | undefined {
  const { Name, PatchType, Data, Options, Subresources } = option;
  const name = typeof Name === "string" && Name !== "" ? Name : target.name;
  const [subresource = ""] = Array.isArray(Subresources) ? Subresources : [];
  if (name === undefined || typeof PatchType !== "string" || typeof Data !== "string") return undefined;
  if (!isSubresource(subresource) || !/^application\/[a-z0-9.+-]+$/.test(PatchType)) return undefined;
  return {
    method: "PATCH",
    path: pathOf({ ...target, name }, subresource),
    query: writeQuery(isJsonObject(Options) ? Options : {}),
    body: new TextDecoder().decode(fromBase64(Data)),
    contentType: PatchType,
  };
}

function isSubresource(value: JsonValue): value is string {
  return typeof value === "string" && (value === "" || NAME.test(value));
}

function listQuery(option: JsonObject): Record<string, string> {
  return texts(option, [
    "labelSelector",
    "fieldSelector",
    "resourceVersion",
    "resourceVersionMatch",
    "limit",
    "continue",
  ]);
}

function writeQuery(option: JsonObject): Record<string, string> {
  const [dryRun] = Array.isArray(option["dryRun"]) ? option["dryRun"] : [];
  return {
    ...texts(option, ["fieldManager", "fieldValidation", "force"]),
    ...(typeof dryRun === "string" ? { dryRun } : {}),
  };
}

function texts(option: JsonObject, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = option[name];
      const isGiven = (typeof value === "string" && value !== "") || typeof value === "number" || value === true;
      return isGiven ? [[name, String(value)]] : [];
    }),
  );
}
