import type { JsonObject } from "@skerry/base";
import { jsonEqual } from "@skerry/kube";
import { type ApiObject, asApiObject, asJsonObject, objectAt } from "./api-object.ts";
import { withResizedContainers } from "./kinds/pod-resize.ts";
import { carryMetadata } from "./metadata.ts";
import type { ResourceDefinition } from "./resource-definition.ts";

/** What part of an object a write is about. */
export type UpdatePart = "object" | "status" | "finalize" | "ephemeral-containers" | "resize";

/** What a write changes: the object or a part of it, through which subresource. */
export interface WritePart {
  readonly part: UpdatePart;
  /** Empty: the object itself. */
  readonly subresource: string;
}

/** The object itself, not one of its subresources. */
export const WHOLE_OBJECT: WritePart = { part: "object", subresource: "" };

/** The next state of an object when only a part of what the client sent counts. */
export function takePart(
  definition: ResourceDefinition,
  next: ApiObject,
  previous: ApiObject,
  part: UpdatePart,
): ApiObject {
  const [json, before] = [asJsonObject(next), asJsonObject(previous)];
  carryMetadata(definition, next, previous);
  if (part === "object") {
    if (!definition.strategy.hasStatus) return next;
    if (before["status"] === undefined) delete json["status"];
    else json["status"] = before["status"];
    return next;
  }
  if (part === "finalize") {
    const spec = json["spec"];
    return asApiObject({ ...before, ...(spec === undefined ? {} : { spec }) });
  }
  if (part === "ephemeral-containers") {
    const spec = { ...objectAt(before, "spec") };
    delete spec["ephemeralContainers"];
    const added = objectAt(json, "spec")["ephemeralContainers"];
    const next = { ...before, spec: { ...spec, ...(added === undefined ? {} : { ephemeralContainers: added }) } };
    return asApiObject(structuredClone(next));
  }
  if (part === "resize") {
    const spec = withResizedContainers(objectAt(before, "spec"), objectAt(json, "spec"));
    return asApiObject(structuredClone({ ...before, spec }));
  }
  const metadata = definition.strategy.statusMayChangeMetadata ? json["metadata"] : before["metadata"];
  const { status: _old, ...rest } = before;
  return asApiObject({
    ...rest,
    ...(metadata === undefined ? {} : { metadata }),
    ...(json["status"] === undefined ? {} : { status: json["status"] }),
  });
}

/** Counts a change of what the user wants in `metadata.generation`. */
export function countGeneration(definition: ResourceDefinition, next: ApiObject, previous: ApiObject): void {
  if (!definition.strategy.tracksGeneration) return;
  const wanted = ({ metadata: _metadata, status: _status, ...rest }: ApiObject): JsonObject =>
    asJsonObject(rest as ApiObject);
  const isAnnotated =
    definition.strategy.countsAnnotations === true &&
    !jsonEqual({ ...next.metadata.annotations }, { ...previous.metadata.annotations });
  if (isAnnotated || !jsonEqual(wanted(next), wanted(previous)))
    next.metadata.generation = (previous.metadata.generation ?? 0) + 1;
}
