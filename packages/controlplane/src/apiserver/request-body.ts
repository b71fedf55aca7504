import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import { badRequest, type Patch } from "@skerry/kube";
import { parse } from "yaml";
import { decodeMessage, isDecodable, openEnvelope, ProtobufError } from "../openapi/protobuf-decoder.ts";
import type { TypeCatalog } from "../openapi/type-table.ts";
import { unsupportedMediaType } from "../registry/status-errors.ts";
import type { ApiRequest } from "./api-request.ts";
import { isTrue } from "./query-options.ts";

/** Nesting that a body may have. */
const DEPTH_LIMIT = 200;

/** Reads an object from a body: JSON, YAML, or the protobuf that kubectl's typed commands send. @throws ApiError */
export function readObject(request: ApiRequest, types: TypeCatalog): JsonObject {
  const type = mediaType(request);
  if (type === "application/vnd.kubernetes.protobuf") return readProtobuf(request.body, types);
  if (type !== "application/json" && type !== "application/yaml" && type !== "")
    throw unsupportedMediaType(["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"]);
  const value = type === "application/yaml" ? readYaml(request.body) : readJson(request.body);
  if (!isJsonObject(value)) throw badRequest("the body of the request must be an object");
  return value;
}

/** Reads the body of a PATCH. @throws ApiError */
export function readPatch(request: ApiRequest): Patch {
  switch (mediaType(request)) {
    case "application/json-patch+json":
      return { type: "json", body: readJson(request.body) };
    case "application/merge-patch+json":
      return { type: "merge", body: readJson(request.body) };
    case "application/strategic-merge-patch+json":
      return { type: "strategic", body: readJson(request.body) };
    case "application/apply-patch+yaml":
      return {
        type: "apply",
        body: readYaml(request.body),
        fieldManager: request.query.get("fieldManager") ?? "",
        force: isTrue(request.query, "force"),
      };
    default:
      throw unsupportedMediaType([
        "application/json-patch+json",
        "application/merge-patch+json",
        "application/strategic-merge-patch+json",
        "application/apply-patch+yaml",
      ]);
  }
}

/** Whether an object's body is JSON, not YAML or protobuf. */
export function isJson(request: ApiRequest): boolean {
  return ["", "application/json"].includes(mediaType(request));
}

function mediaType(request: ApiRequest): string {
  return (request.headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
}

function readJson(body: Uint8Array): JsonValue {
  try {
    const value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body)) as JsonValue;
    if (depthExceeds(value, DEPTH_LIMIT)) throw new SyntaxError("it is nested too deeply");
    return value;
  } catch (error) {
    throw badRequest(
      `couldn't get version/kind; json parse error: ${error instanceof Error ? error.message.slice(0, 200) : "unreadable"}`,
    );
  }
}

/** YAML, which most clients write as JSON. */
function readYaml(body: Uint8Array): JsonValue {
  const text = new TextDecoder().decode(body);
  if (text.trimStart().startsWith("{")) return readJson(body);
  try {
    const value = parse(text, { maxAliasCount: 100, logLevel: "error" }) as JsonValue;
    if (depthExceeds(value, DEPTH_LIMIT)) throw new SyntaxError("it is nested too deeply");
    return value;
  } catch (error) {
    throw badRequest(`error decoding YAML: ${error instanceof Error ? error.message.slice(0, 200) : "unreadable"}`);
  }
}

function depthExceeds(value: JsonValue | undefined, limit: number): boolean {
  if (limit === 0) return true;
  if (Array.isArray(value)) return value.some((item) => depthExceeds(item, limit - 1));
  return isJsonObject(value) && Object.values(value).some((item) => depthExceeds(item, limit - 1));
}

function readProtobuf(body: Uint8Array, types: TypeCatalog): JsonObject {
  try {
    const { apiVersion, kind, raw } = openEnvelope(body);
    const typeName = typeNameOf(apiVersion, kind);
    // Protobuf names no members, so of other types nothing could be read.
    if (!isDecodable(types, typeName)) throw unsupportedMediaType(["application/json"]);
    return { apiVersion, kind, ...decodeMessage(types, typeName, raw) };
  } catch (error) {
    if (error instanceof ProtobufError || error instanceof SyntaxError)
      throw badRequest(`the protobuf body cannot be read: ${error.message}`);
    throw error;
  }
}

/** `apps/v1` `Deployment` → `apps.v1.Deployment`. */
function typeNameOf(apiVersion: string, kind: string): string {
  if (kind === "DeleteOptions") return "meta.v1.DeleteOptions";
  const [group = "", version] = apiVersion.includes("/") ? apiVersion.split("/") : ["core", apiVersion];
  return `${group.split(".")[0]}.${version}.${kind}`;
}
