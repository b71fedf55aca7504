import type { KubernetesObject } from "@skerry/api";

/** Field managers' book-keeping is of no use to a node, and often half of the object. */
export function withoutManagedFields<T extends KubernetesObject>(object: T): T {
  if (object.metadata.managedFields === undefined) return object;
  const { managedFields: _managedFields, ...metadata } = object.metadata;
  return { ...object, metadata };
}
