import type { KubernetesObject, ResourceReference } from "@skerry/api";
import { apiVersionOf } from "@skerry/api";
import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import { badRequest } from "./refusals.ts";

/** The content as an object of the kind, its name and namespace those of the request's path. */
export function objectContent<T extends KubernetesObject>(
  content: JsonValue,
  reference: ResourceReference,
  namespace: string,
  name: string,
): T {
  if (!isJsonObject(content)) throw badRequest(`the content is not a ${reference.kind}`);
  const metadata = isJsonObject(content["metadata"]) ? content["metadata"] : {};
  const object: JsonObject = {
    ...content,
    apiVersion: apiVersionOf(reference),
    kind: reference.kind,
    metadata: { ...metadata, name, ...(namespace === "" ? {} : { namespace }) },
  };
  return object as JsonObject & T;
}

/** A patch: an object, or its JSON text as KubeEdge sends it. */
export function patchContent(content: JsonValue): JsonObject {
  const value = typeof content === "string" ? parseJson(content) : content;
  if (!isJsonObject(value)) throw badRequest("the patch is not a JSON object");
  return value;
}

/** Parses JSON text of a request. */
export function parseJson(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    throw badRequest("the content is not valid JSON");
  }
}
