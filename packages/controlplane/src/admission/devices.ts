import { checkDevice, checkDeviceModel, type DeviceFinding } from "@skerry/api";
import type { JsonValue } from "@skerry/base";
import { jsonEqual } from "@skerry/kube";
import { type ApiObject, asJsonObject } from "../registry/api-object.ts";
import type { FieldError } from "../registry/field-error.ts";
import type { ResourceDefinition, WriteScope } from "../registry/resource-definition.ts";

const DEVICES = "devices";
const DEVICE_MODELS = "devicemodels";
const GROUP = "devices.kubeedge.io";

/**
 * What CloudCore's admission webhook says on another Kubernetes, said here without one: errors of devices and their
 * models. A write that leaves the spec as it is passes, whatever has become of the model.
 */
export function deviceErrors(
  definition: ResourceDefinition,
  object: ApiObject,
  previous: ApiObject | undefined,
  { session }: WriteScope,
): FieldError[] {
  const { group, resource } = definition.reference;
  if (group !== GROUP || (resource !== DEVICES && resource !== DEVICE_MODELS)) return [];
  const spec = storedSpec(definition, object);
  if (previous !== undefined && jsonEqual(spec ?? null, storedSpec(definition, previous) ?? null)) return [];
  if (resource === DEVICE_MODELS) return errorsOf(checkDeviceModel(spec));
  const namespace = object.metadata.namespace ?? "";
  const found = session.get({ resource: `${GROUP}/${DEVICE_MODELS}`, namespace, name: modelNameOf(spec) });
  return errorsOf(checkDevice(spec, found && (asJsonObject(found)["spec"] ?? {})));
}

function errorsOf(findings: readonly DeviceFinding[]): FieldError[] {
  return findings
    .filter(({ severity }) => severity === "error")
    .map(({ field, message }) => ({ reason: "FieldValueInvalid", field, message }));
}

/** The spec in v1beta1, in whatever version the object came. */
function storedSpec({ conversion }: ResourceDefinition, object: ApiObject): JsonValue | undefined {
  return asJsonObject(conversion ? conversion.toStored(object) : object)["spec"];
}

function modelNameOf(spec: JsonValue | undefined): string {
  const reference =
    typeof spec === "object" && spec !== null && !Array.isArray(spec) ? spec["deviceModelRef"] : undefined;
  const isObject = typeof reference === "object" && reference !== null && !Array.isArray(reference);
  return isObject && typeof reference["name"] === "string" ? reference["name"] : "";
}
