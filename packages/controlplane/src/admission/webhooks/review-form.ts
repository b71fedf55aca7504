import type { JsonObject } from "@skerry/base";
import { type ApiObject, asApiObject, asJsonObject, textAt } from "../../registry/api-object.ts";
import { present } from "../../registry/present.ts";
import type { ResourceDefinition } from "../../registry/resource-definition.ts";
import { scaleOf, withScale } from "../../registry/scale.ts";
import { internalError } from "../../registry/status-errors.ts";
import type { ReviewForm } from "./admission-review.ts";
import type { ReviewedWrite } from "./reviewed-write.ts";

/** What the server sets, or the request's path: no webhook changes it. */
const FIXED_METADATA = [
  "name",
  "generateName",
  "namespace",
  "uid",
  "resourceVersion",
  "creationTimestamp",
  "generation",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
];

/** A write as a webhook sees it that asked for another version of the resource, or for its Scale. */
export function reviewForm(
  write: ReviewedWrite,
  object: ApiObject | undefined,
  definition: ResourceDefinition,
): ReviewForm {
  const shown = (each: ApiObject | undefined): ApiObject | undefined => each && shownAs(write, each, definition);
  return { definition, object: shown(object), previous: shown(write.previous) };
}

/**
 * The written object, in its own version, after a webhook changed what it was shown.
 * @throws ApiError InternalError when that is no object of the kind
 */
export function withChanges(
  write: ReviewedWrite,
  object: ApiObject,
  changed: JsonObject,
  definition: ResourceDefinition,
): ApiObject {
  const { scale } = write.definition.strategy;
  if (write.subresource === "scale" && scale) return asApiObject(withScale(scale, object, changed));
  if (isAction(write)) return asApiObject(changed);
  const before = asJsonObject(object)["metadata"] as JsonObject;
  const converted = shownFrom(write, asApiObject(changed), definition);
  const { reference, schema } = write.definition;
  const decoded = schema.decode({
    ...asJsonObject(converted),
    apiVersion: textAt(asJsonObject(object), "apiVersion"),
    kind: reference.kind,
  });
  if (decoded.mismatch) throw internalError(`Internal error occurred: ${decoded.mismatch.message}`);
  const metadata: JsonObject = { ...(decoded.object["metadata"] as JsonObject | undefined) };
  for (const member of FIXED_METADATA) {
    const value = before[member];
    if (value === undefined) delete metadata[member];
    else metadata[member] = value;
  }
  return asApiObject({ ...decoded.object, metadata });
}

function shownAs(write: ReviewedWrite, object: ApiObject, definition: ResourceDefinition): ApiObject {
  const { scale } = write.definition.strategy;
  if (write.subresource === "scale" && scale) return scaleOf(scale, object);
  if (isAction(write) || definition === write.definition) return object;
  return converted(object, write.definition, definition);
}

function shownFrom(write: ReviewedWrite, object: ApiObject, definition: ResourceDefinition): ApiObject {
  return definition === write.definition ? object : converted(object, definition, write.definition);
}

function converted(object: ApiObject, from: ResourceDefinition, to: ResourceDefinition): ApiObject {
  const copy = structuredClone(object);
  return present(to, from.conversion ? from.conversion.toStored(copy, copy) : copy);
}

/** What is asked of a subresource is no form of the object. */
function isAction({ operation, subresource }: ReviewedWrite): boolean {
  return operation === "CONNECT" || (operation === "CREATE" && subresource !== "");
}
