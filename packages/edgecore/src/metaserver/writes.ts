import { isJsonObject, type JsonObject, toBase64 } from "@skerry/base";
import {
  type ApiRequest,
  type ApiResponse,
  badRequestStatus,
  jsonResponse,
  offlineStatus,
  statusResponse,
  unsupportedTypeStatus,
} from "./api-exchange.ts";
import { type ApiResource, applicationKey } from "./api-path.ts";
import { type CloudApi, type CloudRequest, objectIn } from "./cloud-api.ts";
import type { LocalObjects } from "./local-objects.ts";

/** What a write is about. */
export interface WriteTarget {
  readonly resource: ApiResource;
  readonly namespace: string;
  readonly name: string;
  readonly subresource: string;
}

/** Methods that change something, for the cloud alone to do. */
export type WriteMethod = "POST" | "PUT" | "PATCH" | "DELETE";

const PATCH_TYPES: ReadonlySet<string> = new Set([
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
  "application/apply-patch+yaml",
]);

/** Does writes: in the cloud or not at all. */
export class Writes {
  readonly #cloud: CloudApi;
  readonly #local: LocalObjects;

  constructor(cloud: CloudApi, local: LocalObjects) {
    this.#cloud = cloud;
    this.#local = local;
  }

  async write(method: WriteMethod, target: WriteTarget, request: ApiRequest): Promise<ApiResponse> {
    const type = request.headers["content-type"] ?? "";
    if (method !== "PATCH" && /protobuf|cbor|yaml/.test(type)) return statusResponse(unsupportedTypeStatus(type));
    const asked = cloudRequest(method, target, request);
    if (typeof asked === "string") return statusResponse(badRequestStatus(asked));
    const reply = await this.#cloud.ask(asked, request.signal);
    if (reply.kind === "unreachable") return statusResponse(offlineStatus(`a ${method} request`, reply.reason));
    if (reply.kind === "rejected") return statusResponse(reply.status);
    if (!request.query.has("dryRun")) await this.#keep(method, target, reply.responseBody);
    return jsonResponse(method === "POST" ? 201 : 200, reply.responseBody || "{}");
  }

  /** What was written is read again, also when the cloud is gone right after. */
  async #keep(
    method: WriteMethod,
    { resource, namespace, name, subresource }: WriteTarget,
    text: string | undefined,
  ): Promise<void> {
    if (subresource !== "" && subresource !== "status") return;
    const object = objectIn(text);
    if (object) await this.#local.store(resource, [object]);
    else if (method === "DELETE") await this.#local.forget(resource, namespace, name);
  }
}

/** The cloud's request for a write; a text says why it is none. */
function cloudRequest(method: WriteMethod, target: WriteTarget, request: ApiRequest): CloudRequest | string {
  const { resource, namespace, name, subresource } = target;
  const key = applicationKey(resource, namespace, name);
  const { body } = request;
  if (method === "DELETE") return { key, verb: "delete", option: deleteOptions(request), subresource };
  if (method === "PATCH") return patchRequest(target, request);
  if (!isJson(body)) return "the body is no JSON object; this server reads JSON only";
  if (method === "POST") return { key, verb: "create", option: writeOptions(request.query), body, subresource };
  return subresource === "status"
    ? { key, verb: "updatestatus", option: writeOptions(request.query), body }
    : { key, verb: "update", option: writeOptions(request.query), body, subresource };
}

function patchRequest(
  { resource, namespace, name, subresource }: WriteTarget,
  request: ApiRequest,
): CloudRequest | string {
  const type = (request.headers["content-type"] ?? "").split(";")[0]?.trim() ?? "";
  if (!PATCH_TYPES.has(type)) return `patches of type ${JSON.stringify(type.slice(0, 80))} are not known`;
  const option = {
    Name: name,
    PatchType: type,
    Data: toBase64(new TextEncoder().encode(request.body)),
    Options: writeOptions(request.query),
    Subresources: subresource === "" ? [] : [subresource],
  };
  return { key: applicationKey(resource, namespace, name), verb: "patch", option };
}

function writeOptions(query: URLSearchParams): JsonObject {
  const options: JsonObject = {};
  for (const name of ["fieldManager", "fieldValidation"]) {
    const value = query.get(name);
    if (value) options[name] = value;
  }
  if (query.get("force") === "true") options["force"] = true;
  const dryRun = query.get("dryRun");
  if (dryRun) options["dryRun"] = [dryRun];
  return options;
}

/** Those of the body, and those of the query, which older clients use. */
function deleteOptions({ body, query }: ApiRequest): JsonObject {
  const parsed = parse(body);
  const options: JsonObject = isJsonObject(parsed) ? { ...parsed } : {};
  const seconds = query.get("gracePeriodSeconds");
  if (seconds !== null && /^[0-9]+$/.test(seconds)) options["gracePeriodSeconds"] = Number(seconds);
  const policy = query.get("propagationPolicy");
  if (policy) options["propagationPolicy"] = policy;
  const dryRun = query.get("dryRun");
  if (dryRun) options["dryRun"] = [dryRun];
  return options;
}

function isJson(body: string): boolean {
  return isJsonObject(parse(body));
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
