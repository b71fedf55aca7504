import type { KubernetesObject, Status } from "@skerry/api";
import { isSkerryError, type JsonValue } from "@skerry/base";
import { ApiError, failureStatus } from "@skerry/kube";
import { errorStatusContent, objectResponseContent } from "@skerry/link";
import { withoutManagedFields } from "../../managed-fields.ts";

/**
 * How a failed request is answered (wire.md 12.2). Every failure has a whole Status: one without would be read as a
 * success with an empty object at the edge (wire.md W11).
 */
export function errorContent(error: unknown): JsonValue {
  return errorStatusContent(statusOf(error));
}

/** The answer to a create, update or patch: the object as Go writes it there, without apiVersion and kind. */
export function objectResponse(object: KubernetesObject): JsonValue {
  const { apiVersion: _apiVersion, kind: _kind, ...rest } = withoutManagedFields(object);
  return objectResponseContent({ kind: "object", object: rest as KubernetesObject });
}

/** The answer to a query that is wrapped all the same (leases): apiVersion and kind stay. */
export function queriedObjectResponse(object: KubernetesObject): JsonValue {
  return objectResponseContent({ kind: "object", object: withoutManagedFields(object) });
}

/** The answer to a failed create, update or patch. */
export function errorResponse(error: unknown): JsonValue {
  return objectResponseContent({ kind: "error", status: statusOf(error) });
}

/** A Kubernetes object as message content: JSON by construction. */
export function toJson(object: KubernetesObject): JsonValue {
  return withoutManagedFields(object) as unknown as JsonValue;
}

/** The failure as the API server would say it. */
export function statusOf(error: unknown): Status {
  if (error instanceof ApiError) return error.status;
  if (isSkerryError(error, "KUBE_UNREACHABLE"))
    return failureStatus(503, "ServiceUnavailable", "the Kubernetes API cannot be reached from CloudCore");
  return failureStatus(500, "InternalError", error instanceof Error ? error.message : String(error));
}
