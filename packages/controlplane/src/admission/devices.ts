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
 * models, and what is only suspicious as warnings. A write that leaves the spec as it is passes, whatever has become of the model.
 */
export function deviceErrors(
  definition: ResourceDefinition,
  object: ApiObject,
  previous: ApiObject | undefined,
  { session, context }: WriteScope,
): FieldError[] {
  const { group, resource } = definition.reference;
  if (group !== GROUP || (resource !== DEVICES && resource !== DEVICE_MODELS)) return [];
  const spec = storedSpec(definition, object);
  if (previous !== undefined && jsonEqual(spec ?? null, storedSpec(definition, previous) ?? null)) return [];
  const findings =
    resource === DEVICE_MODELS
      ? checkDeviceModel(spec)
      : checkDevice(spec, storedModel(session, object.metadata.namespace ?? "", modelNameOf(spec)));
  context.warnings.push(...ofSeverity(findings, "warning").map(({ field, message }) => `${field}: ${message}`));
  return ofSeverity(findings, "error").map(({ field, message }) => ({ reason: "FieldValueInvalid", field, message }));
}

function ofSeverity(findings: readonly DeviceFinding[], wanted: DeviceFinding["severity"]): DeviceFinding[] {
  return findings.filter(({ severity }) => severity === wanted);
}

/** The spec of a model; undefined when there is none. */
function storedModel(session: WriteScope["session"], namespace: string, name: string): JsonValue | undefined {
  const found = session.get({ resource: `${GROUP}/${DEVICE_MODELS}`, namespace, name });
  return found && (asJsonObject(found)["spec"] ?? {});
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
