import type { KubernetesObject } from "@skerry/api";
import { ApiError, failureStatus } from "../api-error.ts";
import type { Patch } from "../kubernetes-api.ts";
import { applyMergePatch } from "./json-merge-patch.ts";
import { applyJsonPatch } from "./json-patch.ts";
import { asJson, asObject } from "./json-tree.ts";
import { applyStrategicMergePatch } from "./strategic-merge-patch.ts";
import { supportsStrategicMerge } from "./strategic-merge-schema.ts";

/**
 * Applies a patch of any form but server-side apply to an object; the object is left as it was.
 * @throws ApiError BadRequest, Invalid, or UnsupportedMediaType (server-side apply; strategic on a custom resource)
 */
export function applyPatch<T extends KubernetesObject>(object: T, patch: Patch): T {
  switch (patch.type) {
    case "merge":
      return asObject<T>(applyMergePatch(asJson(object), patch.body));
    case "json":
      return asObject<T>(applyJsonPatch(asJson(object), patch.body));
    case "strategic":
      if (!supportsStrategicMerge(object.apiVersion))
        throw unsupported(
          "application/strategic-merge-patch+json",
          "application/json-patch+json, application/merge-patch+json",
        );
      return asObject<T>(applyStrategicMergePatch(asJson(object), patch.body));
    case "apply":
      throw unsupported("application/apply-patch+yaml", "application/json-patch+json, application/merge-patch+json");
  }
}

function unsupported(sent: string, accepted: string): ApiError {
  return new ApiError(
    failureStatus(
      415,
      "UnsupportedMediaType",
      `the body of the request was in an unknown format (${sent}) - accepted media types include: ${accepted}`,
    ),
  );
}
