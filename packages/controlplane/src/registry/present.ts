import type { ApiObject } from "./api-object.ts";
import type { ResourceDefinition } from "./resource-definition.ts";

/** A stored object in the form of the definition's version; the given object may be altered. */
export function present(definition: ResourceDefinition, stored: ApiObject): ApiObject {
  if (definition.conversion) return definition.conversion.fromStored(stored);
  if (definition.isCustom) {
    const { group, version } = definition.reference;
    stored.apiVersion = `${group}/${version}`;
  }
  return stored;
}
