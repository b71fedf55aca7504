import type { KubernetesObject, ResourceReference } from "@skerry/api";
import { apiVersionOf } from "@skerry/api";
import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import { badRequest } from "./refusals.ts";
import type { UpstreamRequest } from "./request.ts";

/** Members of an object's metadata that a node may write. */
const OWN_METADATA = ["labels", "annotations", "resourceVersion", "uid"] as const;

/**
 * The request's content as an object of the kind, its name and namespace those of the request's path. Of its metadata
 * only what is a node's to say remains: a finalizer would keep the object for ever, an owner other than the node's own
 * Node would tie it to somebody else's object.
 */
export function objectContent<T extends KubernetesObject>(
  request: Pick<UpstreamRequest, "nodeName" | "content" | "namespace" | "name">,
  reference: ResourceReference,
): T {
  const { content, name, namespace, nodeName } = request;
  if (!isJsonObject(content)) throw badRequest(`the content is not a ${reference.kind}`);
  const metadata = isJsonObject(content["metadata"]) ? content["metadata"] : {};
  const own: JsonObject = {};
  for (const member of OWN_METADATA) if (metadata[member] !== undefined) own[member] = metadata[member];
  const owners = ownersOf(metadata["ownerReferences"], nodeName);
  const object: JsonObject = {
    ...content,
    apiVersion: apiVersionOf(reference),
    kind: reference.kind,
    metadata: {
      ...own,
      name,
      ...(reference.namespaced ? { namespace } : {}),
      ...(owners.length > 0 ? { ownerReferences: owners } : {}),
    },
  };
  return object as JsonObject & T;
}

/** The references to the node's own Node, without the wish to keep that from being deleted. */
function ownersOf(references: JsonValue | undefined, nodeName: string): JsonObject[] {
  if (!Array.isArray(references)) return [];
  return references
    .filter(isJsonObject)
    .filter(({ apiVersion, kind, name }) => apiVersion === "v1" && kind === "Node" && name === nodeName)
    .map(({ blockOwnerDeletion: _blocks, ...owner }) => owner);
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
