import type { ResourceReference } from "@skerry/api";
import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import { badRequest, type DeleteOptions, type ListOptions } from "@skerry/kube";
import { type FieldError, forbiddenField, invalidValue, notSupported, tooLong } from "../registry/field-error.ts";
import type { RequestContext, UserInfo } from "../registry/request-context.ts";
import { invalid } from "../registry/status-errors.ts";
import type { CollectionWatchOptions } from "../registry/watch-collection.ts";
import type { ApiRequest } from "./api-request.ts";

/** Longest name of a field manager. */
const FIELD_MANAGER_LIMIT = 128;
const MATCH = "resourceVersionMatch";
const POLICIES: readonly string[] = ["Foreground", "Background", "Orphan"];
const VALIDATIONS: readonly string[] = ["", "Ignore", "Strict", "Warn"];
/** How errors name the options of a request, by its method. */
const OPTIONS: ResourceReference = { group: "meta.k8s.io", version: "v1", resource: "", kind: "", namespaced: false };
const OPTIONS_KINDS: Readonly<Record<string, string>> = {
  POST: "CreateOptions",
  PUT: "UpdateOptions",
  PATCH: "PatchOptions",
  DELETE: "DeleteOptions",
};

/** @throws ApiError BadRequest, Invalid */
export function listOptions(query: URLSearchParams): ListOptions {
  const limit = numberIn(query, "limit");
  refuse("ListOptions", listErrors(query));
  if (isGiven(query, "continue") && isGiven(query, "resourceVersion") && query.get("resourceVersion") !== "0")
    throw badRequest("specifying resource version is not allowed when using continue");
  const match = query.get("resourceVersionMatch");
  return {
    ...textIn(query, "labelSelector"),
    ...textIn(query, "fieldSelector"),
    ...textIn(query, "resourceVersion"),
    ...textIn(query, "continue"),
    ...(limit === undefined ? {} : { limit }),
    ...(match === "Exact" || match === "NotOlderThan" ? { resourceVersionMatch: match } : {}),
  };
}

function listErrors(query: URLSearchParams): FieldError[] {
  const errors: FieldError[] = [];
  const match = query.get("resourceVersionMatch") ?? "";
  if (match !== "") {
    if (!isGiven(query, "resourceVersion"))
      errors.push(forbiddenField(MATCH, `${MATCH} is forbidden unless resourceVersion is provided`));
    if (isGiven(query, "continue"))
      errors.push(forbiddenField(MATCH, `${MATCH} is forbidden when continue is provided`));
    if (match !== "Exact" && match !== "NotOlderThan")
      errors.push(notSupported(MATCH, match, ["Exact", "NotOlderThan", ""]));
    if (match === "Exact" && query.get("resourceVersion") === "0")
      errors.push(forbiddenField(MATCH, `${MATCH} "exact" is forbidden for resourceVersion "0"`));
  }
  if (isGiven(query, "sendInitialEvents"))
    errors.push(forbiddenField("sendInitialEvents", "sendInitialEvents is forbidden for list"));
  return errors;
}

/** @throws ApiError BadRequest, Invalid */
export function watchOptions(query: URLSearchParams, signal: AbortSignal): CollectionWatchOptions {
  refuse("ListOptions", watchErrors(query));
  const timeoutSeconds = numberIn(query, "timeoutSeconds");
  return {
    ...textIn(query, "labelSelector"),
    ...textIn(query, "fieldSelector"),
    ...textIn(query, "resourceVersion"),
    allowWatchBookmarks: isTrue(query, "allowWatchBookmarks"),
    sendInitialEvents: isTrue(query, "sendInitialEvents"),
    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
    signal,
  };
}

function watchErrors(query: URLSearchParams): FieldError[] {
  const match = query.get("resourceVersionMatch") ?? "";
  if (!isGiven(query, "sendInitialEvents"))
    return match === ""
      ? []
      : [forbiddenField(MATCH, `${MATCH} is forbidden for watch unless sendInitialEvents is provided`)];
  if (match === "") return [forbiddenField(MATCH, `sendInitialEvents requires setting ${MATCH} to NotOlderThan`)];
  return match === "NotOlderThan" ? [] : [notSupported(MATCH, match, ["NotOlderThan"])];
}

/** Options of a deletion, from the body or the query. @throws ApiError BadRequest */
export function deleteOptions(query: URLSearchParams, body: JsonObject): DeleteOptions {
  const grace = body["gracePeriodSeconds"] ?? numberIn(query, "gracePeriodSeconds");
  if (grace !== undefined && grace !== null && typeof grace !== "number")
    throw badRequest("gracePeriodSeconds must be a number");
  const policy = body["propagationPolicy"] ?? query.get("propagationPolicy") ?? undefined;
  refuse("DeleteOptions", policyErrors(policy, body["orphanDependents"]));
  const propagationPolicy =
    policy === "Orphan" || policy === "Background" || policy === "Foreground"
      ? policy
      : body["orphanDependents"] === true
        ? "Orphan"
        : undefined;
  const wanted = isJsonObject(body["preconditions"]) ? body["preconditions"] : {};
  const preconditions = {
    ...(typeof wanted["uid"] === "string" ? { uid: wanted["uid"] } : {}),
    ...(typeof wanted["resourceVersion"] === "string" ? { resourceVersion: wanted["resourceVersion"] } : {}),
  };
  return {
    ...(typeof grace === "number" ? { gracePeriodSeconds: grace } : {}),
    ...(propagationPolicy ? { propagationPolicy } : {}),
    ...(Object.keys(preconditions).length > 0 ? { preconditions } : {}),
  };
}

function policyErrors(policy: JsonValue | undefined, orphans: JsonValue | undefined): FieldError[] {
  const at = "propagationPolicy";
  if (policy === undefined || policy === null || policy === "") return [];
  return [
    ...(typeof orphans === "boolean"
      ? [invalidValue(at, policy, "orphanDependents and deletionPropagation cannot be both set")]
      : []),
    ...(POLICIES.includes(String(policy)) ? [] : [notSupported(at, policy, [...POLICIES, "nil"])]),
  ];
}

/** The context of a write. @throws ApiError Invalid */
export function writeContext(
  { method, query, headers }: Pick<ApiRequest, "method" | "query" | "headers">,
  user: UserInfo,
  body: JsonObject = {},
): RequestContext {
  const dryRun = query.getAll("dryRun").concat(Array.isArray(body["dryRun"]) ? body["dryRun"].map(String) : []);
  const values = dryRun.filter((value) => value !== "");
  const named = query.get("fieldManager") ?? "";
  const validation = query.get("fieldValidation") ?? "";
  const isApplied = (headers["content-type"] ?? "").startsWith("application/apply-patch");
  refuse(OPTIONS_KINDS[method] ?? "CreateOptions", [
    ...(method === "PATCH" && !isApplied && isGiven(query, "force")
      ? [forbiddenField("force", "may not be specified for non-apply patch")]
      : []),
    ...managerErrors(named),
    ...(values.every((value) => value === "All") ? [] : [notSupported("dryRun", values, ["All"])]),
    ...(VALIDATIONS.includes(validation) ? [] : [notSupported("fieldValidation", validation, VALIDATIONS)]),
  ]);
  return {
    user,
    dryRun: values.length > 0,
    fieldValidation: validation === "Ignore" || validation === "Strict" ? validation : "Warn",
    // Who owns what is written: who is named, else the program that asks.
    fieldManager: named || (headers["user-agent"] ?? "").split("/", 1).join("").slice(0, FIELD_MANAGER_LIMIT),
    warnings: [],
  };
}

function managerErrors(named: string): FieldError[] {
  const at = "fieldManager";
  const wrong = /[^ -~]/u.exec(named);
  return [
    ...(named.length > FIELD_MANAGER_LIMIT ? [tooLong(at, FIELD_MANAGER_LIMIT)] : []),
    ...(wrong ? [invalidValue(at, named.slice(0, 200), `invalid character at position ${wrong.index}`)] : []),
  ];
}

/** @throws ApiError Invalid when there is something wrong with the options of that kind */
function refuse(kind: string, errors: readonly FieldError[]): void {
  if (errors.length > 0) throw invalid({ ...OPTIONS, kind }, "", errors);
}

function isGiven(query: URLSearchParams, name: string): boolean {
  return (query.get(name) ?? "") !== "";
}

/** Whether a flag of the query is set, in one of the ways Go reads as true. */
export function isTrue(query: URLSearchParams, name: string): boolean {
  const value = query.get(name);
  return value !== null && ["true", "1", "t", "T", "TRUE", "True"].includes(value);
}

function textIn<Name extends string>(query: URLSearchParams, name: Name): { readonly [name in Name]?: string } {
  const value = query.get(name);
  return value === null || value === "" ? {} : ({ [name]: value } as { readonly [name in Name]?: string });
}

function numberIn(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === "") return undefined;
  if (!/^-?\d{1,15}$/.test(text)) throw badRequest(`${name}: Invalid value: ${JSON.stringify(text.slice(0, 64))}`);
  return Number(text);
}
