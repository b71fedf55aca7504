import type { KubernetesObject } from "@skerry/api";
import { matchesFields, matchesLabels, parseFieldSelector, parseLabelSelector } from "@skerry/kube";
import { type ApiResource, resourceText } from "./api-path.ts";

/** What a list or watch selects. */
export interface Scope {
  readonly resource: ApiResource;
  /** Empty: all namespaces, or a cluster-wide kind. */
  readonly namespace: string;
  readonly labelSelector: string;
  readonly fieldSelector: string;
}

/** One text for each different scope. */
export function scopeKey({ resource, namespace, labelSelector, fieldSelector }: Scope): string {
  return JSON.stringify([resourceText(resource), namespace, labelSelector, fieldSelector]);
}

/** Whether who knows all of `known` knows all of `wanted`. */
export function covers(known: Scope, wanted: Scope): boolean {
  return (
    resourceText(known.resource) === resourceText(wanted.resource) &&
    (known.namespace === "" || known.namespace === wanted.namespace) &&
    (known.labelSelector === "" || known.labelSelector === wanted.labelSelector) &&
    (known.fieldSelector === "" || known.fieldSelector === wanted.fieldSelector)
  );
}

/** Decides whether an object is in the scope. @throws ApiError BadRequest for a selector that is none */
export function scopePredicate(scope: Scope): (object: KubernetesObject) => boolean {
  const labels = parseLabelSelector(scope.labelSelector);
  const fields = scope.fieldSelector === "" ? [] : parseFieldSelector(scope.fieldSelector);
  return (object) =>
    (scope.namespace === "" || object.metadata.namespace === scope.namespace) &&
    matchesLabels(labels, object.metadata.labels ?? {}) &&
    matchesFields(fields, object);
}
