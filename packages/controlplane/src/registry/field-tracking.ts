import { type Clock, toKubernetesTime } from "@skerry/base";
import { type FieldWrite, ignoredFields } from "../fieldmanager/field-manager.ts";
import type { RequestContext } from "./request-context.ts";
import type { ResourceDefinition } from "./resource-definition.ts";

/** A write through the registry, as the ownership of fields sees it. */
export function fieldWriteOf(
  context: RequestContext,
  definition: ResourceDefinition,
  subresource: string,
  clock: Clock,
): FieldWrite {
  const { group, version } = definition.reference;
  return {
    topology: definition.schema.topology,
    manager: context.fieldManager,
    apiVersion: group === "" ? version : `${group}/${version}`,
    subresource,
    ignored: ignoredFields(definition.strategy.hasStatus, subresource),
    time: toKubernetesTime(clock.now()),
  };
}
