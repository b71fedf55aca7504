import type { DeviceDefinition, PropertyDefinition } from "./device-definition.ts";
import { propertyReadOnly, tooManyProperties, valueOutOfRange } from "./errors.ts";
import type { DeviceTwinLimits } from "./limits.ts";
import type { PropertyChange, Twin, TwinProperty } from "./twin-property.ts";
import { checkPropertyName } from "./twin-request.ts";
import { deletedProperty, effectOf } from "./twin-update.ts";
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
 * A desired value is taken over once, when it changes in the Device, so reading the same Device twice (restart, repair)
 * changes nothing. What a client at the edge has set stays until then, and longer where the edge wins; the cloud sees it
 * as the observed desired value, with its owner. Where the cloud wins there is nothing to replace: the client was refused.
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
    if (property.desired === null || !isDue(known, property, property.desired)) continue;
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
    if (known.adoptedDesired === null || desired !== null) continue;
    const isEdges = known.expectedOwner === "edge" && definition.properties.get(known.name)?.conflict === "edge";
    changes.push(isEdges ? release(known) : withdraw(known, definition.version));
  }
  return { changes, refused, waitsForModel };
}

function isDue(known: TwinProperty | null, { conflict }: PropertyDefinition, desired: string): boolean {
  const isEdges = known?.expectedOwner === "edge" && known.expected !== null;
  if (conflict === "edge" && isEdges) return false;
  // The rule may have changed meanwhile.
  return desired !== known?.adoptedDesired || (conflict === "cloud" && isEdges);
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
      expectedOwner: "cloud",
      effect: effectOf(property, type, desired, live?.actual ?? null),
      replaced: replacedBy(desired, live),
    },
    sides: { expected: true, actual: false },
  };
}

/** What a client at the edge loses; the cloud may never have heard of it, when it was set while the link was cut. */
function replacedBy(desired: string, live: TwinProperty | null): string | null {
  if (live?.expectedOwner !== "edge" || live.expected === null) return null;
  return live.expected.value === desired ? null : live.expected.value;
}

/** The Device wants nothing any more of this property. */
function withdraw(known: TwinProperty, deviceVersion: number): PropertyChange {
  const expectedVersion = { cloud: deviceVersion, edge: known.expectedVersion?.edge ?? 0 };
  const after =
    known.actual === null
      ? { ...deletedProperty(known), expectedVersion }
      : {
          ...known,
          expected: null,
          expectedVersion,
          adoptedDesired: null,
          expectedOwner: null,
          effect: null,
          replaced: null,
        };
  return { before: known, after, sides: { expected: true, actual: false } };
}

/** The Device wants nothing any more, and what the edge wants stays. */
function release(known: TwinProperty): PropertyChange {
  return { before: known, after: { ...known, adoptedDesired: null }, sides: { expected: true, actual: false } };
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
