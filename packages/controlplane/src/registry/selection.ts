import { badRequest, matchesFields, matchesLabels, parseFieldSelector, parseLabelSelector } from "@skerry/kube";
import type { ApiObject } from "./api-object.ts";
import type { ResourceDefinition } from "./resource-definition.ts";

/** Which objects of a collection a request is about. */
export interface Selection {
  readonly everything: boolean;
  /** Only pods of this node can match. */
  readonly nodeName?: string;
  matches(object: ApiObject): boolean;
}

const EVERYTHING: Selection = { everything: true, matches: () => true };

/** Selectors of a request, ready to match. @throws ApiError BadRequest */
export function selectionOf(
  definition: ResourceDefinition,
  labelSelector: string | undefined,
  fieldSelector: string | undefined,
): Selection {
  const labels = labelSelector ? parseLabelSelector(labelSelector) : [];
  const fields = fieldSelector ? parseFieldSelector(fieldSelector) : [];
  for (const { field } of fields) {
    const known =
      field === "metadata.name" ||
      (field === "metadata.namespace" && definition.reference.namespaced) ||
      definition.strategy.selectableFields?.includes(field);
    if (!known) throw badRequest(`field label not supported: ${field}`);
  }
  if (labels.length === 0 && fields.length === 0) return EVERYTHING;
  const node = fields.find(({ field, operator }) => field === "spec.nodeName" && operator === "=");
  const isOfNode = definition.storageKey === "/pods" && node !== undefined && node.value !== "";
  return {
    everything: false,
    ...(isOfNode ? { nodeName: node.value } : {}),
    matches: (object) => matchesLabels(labels, object.metadata.labels) && matchesFields(fields, object),
  };
}
