import { namespaces } from "@skerry/api";
import { ApiError } from "@skerry/kube";
import type { ApiObject } from "../registry/api-object.ts";
import type { ResourceDefinition, WriteScope } from "../registry/resource-definition.ts";
import { forbidden, notFound } from "../registry/status-errors.ts";

/** Namespaces that the control plane cannot do without. */
const PERMANENT: ReadonlySet<string> = new Set(["default", "kube-system", "kube-public"]);

/** New objects need a namespace that exists and stays. @throws ApiError NotFound, Forbidden */
export function requireLiveNamespace(definition: ResourceDefinition, object: ApiObject, { session }: WriteScope): void {
  if (!definition.reference.namespaced) return;
  const name = object.metadata.namespace ?? "";
  const namespace = session.get({ resource: "/namespaces", namespace: "", name });
  if (!namespace) throw notFound(namespaces, name);
  if (namespace.metadata.deletionTimestamp === undefined) return;
  const refusal = forbidden(
    definition.reference,
    object.metadata.name,
    `unable to create new content in namespace ${name} because it is being terminated`,
  );
  throw new ApiError({
    ...refusal.status,
    details: {
      ...refusal.status.details,
      causes: [
        {
          reason: "NamespaceTerminating",
          message: `namespace ${name} is being terminated`,
          field: "metadata.namespace",
        },
      ],
    },
  });
}

/** @throws ApiError Forbidden */
export function admitNamespaceDeletion(definition: ResourceDefinition, object: ApiObject): void {
  if (definition.storageKey === "/namespaces" && PERMANENT.has(object.metadata.name))
    throw forbidden(definition.reference, object.metadata.name, "this namespace may not be deleted");
}
