import type { Namespace } from "@skerry/api";
import { isApiError } from "@skerry/kube";

/** Whether the namespace is there and not being deleted. */
export function isActiveNamespace(namespace: Namespace | undefined): boolean {
  return (
    namespace !== undefined &&
    namespace.metadata.deletionTimestamp === undefined &&
    namespace.status?.phase !== "Terminating"
  );
}

/** Whether a creation was refused because its namespace is being deleted. */
export function isNamespaceGoing(error: unknown): boolean {
  return (
    isApiError(error, "Forbidden") &&
    error.status.details?.causes?.some(({ reason }) => reason === "NamespaceTerminating") === true
  );
}
