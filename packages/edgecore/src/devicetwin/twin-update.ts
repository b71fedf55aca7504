import type { DeviceDefinition } from "./device-definition.ts";
import { propertyOwnedByCloud, propertyReadOnly, tooManyProperties } from "./errors.ts";
import type { DeviceTwinLimits } from "./limits.ts";
import type { PropertyChange, Twin, TwinProperty, TwinValue, TwinVersion } from "./twin-property.ts";
import type { PropertyUpdate } from "./twin-request.ts";
import { checkValue, parseType, type TwinType } from "./value-type.ts";

/** Where a client's update is applied. */
export interface UpdateContext {
  readonly deviceId: string;
  readonly nowMs: number;
  readonly limits: DeviceTwinLimits;
  /** Undefined while only the membership of the device is known. */
  readonly definition: DeviceDefinition | undefined;
}

/**
 * What a client's update (a "rest" update, devices.md 6.2–6.4) does to the twin: all of it or, when anything is wrong,
 * nothing. (KubeEdge stops in the middle, at a random property.) Each present side is a new version, also with an
 * equal value: the time of a value is part of it.
 * @throws `DEVICETWIN_VALUE_INVALID`, `…_VALUE_TOO_LARGE`, `…_TYPE_UNKNOWN`, `…_TOO_MANY_PROPERTIES`,
 *   `…_PROPERTY_OWNED_BY_CLOUD`, `…_PROPERTY_READ_ONLY`
 */
export function applyUpdates(twin: Twin, updates: readonly PropertyUpdate[], context: UpdateContext): PropertyChange[] {
  const changes = updates.flatMap((update) => {
    const known = twin.get(update.name) ?? null;
    const change = update.kind === "delete" ? deleteProperty(known) : setProperty(known, update, context);
    return change ? [change] : [];
  });
  const added = changes.filter(({ after }) => !twin.has(after.name)).length;
  const { maximumPropertiesPerDevice } = context.limits;
  if (added > 0 && twin.size + added > maximumPropertiesPerDevice)
    throw tooManyProperties(context.deviceId, maximumPropertiesPerDevice);
  return changes;
}

function setProperty(
  known: TwinProperty | null,
  update: PropertyUpdate & { kind: "set" },
  context: UpdateContext,
): PropertyChange | null {
  const live = known?.type === "deleted" ? null : known;
  const { name, expected, actual } = update;
  if (expected === undefined && actual === undefined && (live === null || update.optional !== false || !live.optional))
    return null; // Changes nothing; a property without any value is not worth a place.
  if (expected && context.definition?.properties.get(name)?.access === "ReadOnly") throw propertyReadOnly(name);
  const type = typeFor(live, update, context);
  for (const value of [expected, actual])
    if (value !== undefined) checkValue(name, type, value, context.limits.maximumValueBytes);
  const take = (value: string | undefined, before: TwinValue | null): TwinValue | null =>
    value === undefined ? before : value === "" ? null : { value, timestampMs: context.nowMs };
  return {
    before: live,
    after: {
      name,
      type,
      // May become false, never true again (devices.md 6.4).
      optional: live === null ? (update.optional ?? true) : live.optional && update.optional !== false,
      expected: take(expected, live?.expected ?? null),
      actual: actual === "" ? { value: "", timestampMs: context.nowMs } : take(actual, live?.actual ?? null),
      expectedVersion: nextEdgeVersion(known?.expectedVersion ?? null, expected !== undefined),
      actualVersion: nextEdgeVersion(known?.actualVersion ?? null, actual !== undefined),
      adoptedDesired: live?.adoptedDesired ?? null,
    },
    sides: { expected: expected !== undefined, actual: actual !== undefined },
  };
}

/**
 * A known property keeps its type; a new one has the DeviceModel's, else the client's, else `string`. KubeEdge's older
 * examples name a type that there is not (`Updated`), so the model's goes first.
 */
function typeFor(
  live: TwinProperty | null,
  update: PropertyUpdate & { kind: "set" },
  context: UpdateContext,
): TwinType {
  if (live !== null && live.type !== "deleted") return live.type;
  return parseType(update.name, context.definition?.properties.get(update.name)?.type ?? update.type ?? "");
}

function deleteProperty(known: TwinProperty | null): PropertyChange | null {
  if (known === null || known.type === "deleted" || !known.optional) return null;
  if (known.adoptedDesired !== null) throw propertyOwnedByCloud(known.name);
  return {
    before: known,
    after: deletedProperty(known),
    sides: { expected: true, actual: true },
  };
}

/** The property without its values; the versions go on. */
export function deletedProperty(known: TwinProperty): TwinProperty {
  return {
    ...known,
    type: "deleted",
    expected: null,
    actual: null,
    expectedVersion: nextEdgeVersion(known.expectedVersion, known.expectedVersion !== null),
    actualVersion: nextEdgeVersion(known.actualVersion, known.actualVersion !== null),
    adoptedDesired: null,
  };
}

function nextEdgeVersion(version: TwinVersion | null, changed: boolean): TwinVersion | null {
  if (!changed) return version;
  return { cloud: version?.cloud ?? 0, edge: (version?.edge ?? 0) + 1 };
}
