import type { DeviceDefinition, PropertyDefinition } from "./device-definition.ts";
import { propertyReadOnly, tooManyProperties, valueOutOfRange } from "./errors.ts";
import type { DeviceTwinLimits } from "./limits.ts";
import type { PropertyChange, Twin, TwinProperty } from "./twin-property.ts";
import { checkPropertyName } from "./twin-request.ts";
import { deletedProperty } from "./twin-update.ts";
import { checkValue, isNumeric, parseType, type TwinType } from "./value-type.ts";

/** What taking over a Device's desired values does. */
export interface Adoption {
  readonly changes: readonly PropertyChange[];
  /** Desired values that are not sent to the device, each with its reason. */
  readonly refused: readonly { readonly property: string; readonly error: unknown }[];
  /** Whether desired values wait for the DeviceModel, which says their types and who may write them. */
  readonly waitsForModel: boolean;
}

/**
 * Takes the Device's desired values into `expected`; KubeEdge's way to MQTT for them is gone (devices.md 11.5).
 *
 * The rule when both sides write `expected`: a desired value is taken over once, when it changes in the Device; what a
 * client at the edge writes after that stays until the Device's desired value changes again, and the cloud sees it as
 * the observed desired value. So reading the same Device twice (restart, repair) changes nothing.
 */
export function adoptDesired(
  twin: Twin,
  definition: DeviceDefinition,
  nowMs: number,
  limits: DeviceTwinLimits,
): Adoption {
  const changes: PropertyChange[] = [];
  const refused: { property: string; error: unknown }[] = [];
  let waitsForModel = false;
  let size = twin.size;
  for (const property of definition.properties.values()) {
    const known = twin.get(property.name) ?? null;
    if (property.desired === null || property.desired === known?.adoptedDesired) continue;
    if (!definition.modelKnown) {
      waitsForModel = true;
      continue;
    }
    try {
      if (known === null && size >= limits.maximumPropertiesPerDevice)
        throw tooManyProperties(definition.id, limits.maximumPropertiesPerDevice);
      changes.push(adopt(known, property, property.desired, definition.version, nowMs, limits));
      if (known === null) size++;
    } catch (error) {
      refused.push({ property: property.name, error });
    }
  }
  for (const known of twin.values()) {
    const desired = definition.properties.get(known.name)?.desired ?? null;
    if (known.adoptedDesired !== null && desired === null) changes.push(withdraw(known, definition.version));
  }
  return { changes, refused, waitsForModel };
}

function adopt(
  known: TwinProperty | null,
  property: PropertyDefinition,
  desired: string,
  deviceVersion: number,
  nowMs: number,
  limits: DeviceTwinLimits,
): PropertyChange {
  checkPropertyName(property.name);
  if (property.access === "ReadOnly") throw propertyReadOnly(property.name);
  const live = known === null || known.type === "deleted" ? null : known;
  const type = property.type === undefined ? liveType(live) : parseType(property.name, property.type);
  checkValue(property.name, type, desired, limits.maximumValueBytes);
  checkRange(property, type, desired);
  return {
    before: live,
    after: {
      name: property.name,
      type: liveType(live, type),
      optional: live?.optional ?? true,
      expected: { value: desired, timestampMs: nowMs },
      actual: live?.actual ?? null,
      expectedVersion: { cloud: deviceVersion, edge: known?.expectedVersion?.edge ?? 0 },
      actualVersion: known?.actualVersion ?? null,
      adoptedDesired: desired,
    },
    sides: { expected: true, actual: false },
  };
}

/** The Device wants nothing any more of this property. */
function withdraw(known: TwinProperty, deviceVersion: number): PropertyChange {
  const expectedVersion = { cloud: deviceVersion, edge: known.expectedVersion?.edge ?? 0 };
  const after =
    known.actual === null
      ? { ...deletedProperty(known), expectedVersion }
      : { ...known, expected: null, expectedVersion, adoptedDesired: null };
  return { before: known, after, sides: { expected: true, actual: false } };
}

function liveType(live: TwinProperty | null, otherwise: TwinType = "string"): TwinType {
  return live === null || live.type === "deleted" ? otherwise : live.type;
}

/** @throws `DEVICETWIN_VALUE_OUT_OF_RANGE` */
function checkRange(property: PropertyDefinition, type: TwinType, value: string): void {
  if (!isNumeric(type)) return;
  const { minimum, maximum } = property;
  const number = Number(value);
  if ((minimum !== undefined && number < minimum) || (maximum !== undefined && number > maximum))
    throw valueOutOfRange(property.name, value, `${minimum ?? "…"} to ${maximum ?? "…"}`);
}
