import { isJsonObject, type JsonObject } from "@skerry/base";
import { badRequest, type DeleteOptions, type ListOptions } from "@skerry/kube";
import type { FieldValidation, RequestContext, UserInfo } from "../registry/request-context.ts";
import type { CollectionWatchOptions } from "../registry/watch-collection.ts";
import type { ApiRequest } from "./api-request.ts";

/** Longest name of a field manager. */
const FIELD_MANAGER_LIMIT = 128;

/** @throws ApiError BadRequest */
export function listOptions(query: URLSearchParams): ListOptions {
  const limit = numberIn(query, "limit");
  const match = query.get("resourceVersionMatch");
  if (match !== null && match !== "Exact" && match !== "NotOlderThan" && match !== "")
    throw badRequest(`resourceVersionMatch: Unsupported value: ${JSON.stringify(match)}`);
  return {
    ...textIn(query, "labelSelector"),
    ...textIn(query, "fieldSelector"),
    ...textIn(query, "resourceVersion"),
    ...textIn(query, "continue"),
    ...(limit === undefined ? {} : { limit }),
    ...(match === "Exact" || match === "NotOlderThan" ? { resourceVersionMatch: match } : {}),
  };
}

/** @throws ApiError BadRequest */
export function watchOptions(query: URLSearchParams, signal: AbortSignal): CollectionWatchOptions {
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

/** Options of a deletion, from the body or the query. @throws ApiError BadRequest */
export function deleteOptions(query: URLSearchParams, body: JsonObject): DeleteOptions {
  const grace = body["gracePeriodSeconds"] ?? numberIn(query, "gracePeriodSeconds");
  if (grace !== undefined && grace !== null && typeof grace !== "number")
    throw badRequest("gracePeriodSeconds must be a number");
  const policy = body["propagationPolicy"] ?? query.get("propagationPolicy") ?? undefined;
  const propagationPolicy =
    policy === "Orphan" || policy === "Background" || policy === "Foreground"
      ? policy
      : body["orphanDependents"] === true
        ? "Orphan"
        : undefined;
  if (policy !== undefined && policy !== null && policy !== "" && propagationPolicy === undefined)
    throw badRequest(`invalid propagationPolicy: ${String(policy)}`);
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

/** The context of a write. @throws ApiError BadRequest */
export function writeContext(
  { query, headers }: Pick<ApiRequest, "query" | "headers">,
  user: UserInfo,
  body: JsonObject = {},
): RequestContext {
  const dryRun = query.getAll("dryRun").concat(Array.isArray(body["dryRun"]) ? body["dryRun"].map(String) : []);
  const values = dryRun.filter((value) => value !== "");
  const unknown = values.find((value) => value !== "All");
  if (unknown !== undefined)
    throw badRequest(`dryRun: Unsupported value: ${JSON.stringify(unknown)}: supported values: "All"`);
  const fieldManager = fieldManagerIn(query, headers["user-agent"] ?? "");
  return { user, dryRun: values.length > 0, fieldValidation: fieldValidation(query), fieldManager, warnings: [] };
}

/** Who owns what is written: who is named, else the program that asks. @throws ApiError BadRequest */
function fieldManagerIn(query: URLSearchParams, userAgent: string): string {
  const named = query.get("fieldManager") ?? "";
  if (named.length > FIELD_MANAGER_LIMIT || /[^ -~]/.test(named))
    throw badRequest(`fieldManager: Invalid value: ${JSON.stringify(named.slice(0, 200))}`);
  return named === "" ? (userAgent.split("/")[0] ?? "").slice(0, FIELD_MANAGER_LIMIT) : named;
}

function fieldValidation(query: URLSearchParams): FieldValidation {
  const value = query.get("fieldValidation") ?? "";
  if (value === "") return "Warn";
  if (value === "Ignore" || value === "Warn" || value === "Strict") return value;
  throw badRequest(
    `fieldValidation: Unsupported value: ${JSON.stringify(value)}: supported values: "Ignore", "Strict", "Warn"`,
  );
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
