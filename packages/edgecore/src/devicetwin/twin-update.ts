import type { DeviceDefinition, PropertyDefinition } from "./device-definition.ts";
import { propertyOwnedByCloud, propertyReadOnly, tooManyProperties } from "./errors.ts";
import type { DeviceTwinLimits } from "./limits.ts";
import type { EffectState, PropertyChange, Twin, TwinProperty, TwinValue, TwinVersion } from "./twin-property.ts";
import type { PropertyUpdate } from "./twin-request.ts";
import { checkValue, parseType, sameValue, type TwinType } from "./value-type.ts";

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
  const definition = context.definition?.properties.get(name);
  if (expected && definition?.access === "ReadOnly") throw propertyReadOnly(name);
  if (expected !== undefined && definition?.conflict === "cloud" && definition.desired !== null)
    throw propertyOwnedByCloud(name);
  const type = typeFor(live, update, context);
  for (const value of [expected, actual])
    if (value !== undefined) checkValue(name, type, value, context.limits.maximumValueBytes);
  const take = (value: string | undefined, before: TwinValue | null): TwinValue | null =>
    value === undefined ? before : value === "" ? null : { value, timestampMs: context.nowMs };
  const next = {
    expected: take(expected, live?.expected ?? null),
    actual: actual === "" ? { value: "", timestampMs: context.nowMs } : take(actual, live?.actual ?? null),
  };
  const isReleased = expected === "" && definition?.conflict === "edge";
  return {
    before: live,
    after: {
      name,
      type,
      // May become false, never true again (devices.md 6.4).
      optional: live === null ? (update.optional ?? true) : live.optional && update.optional !== false,
      ...next,
      expectedVersion: nextEdgeVersion(known?.expectedVersion ?? null, expected !== undefined),
      actualVersion: nextEdgeVersion(known?.actualVersion ?? null, actual !== undefined),
      // Where the edge wins and gives up its wish, the Device's counts again.
      adoptedDesired: isReleased ? null : (live?.adoptedDesired ?? null),
      expectedOwner: next.expected === null ? null : expected === undefined ? (live?.expectedOwner ?? null) : "edge",
      effect:
        expected === undefined
          ? settled(live?.effect ?? null, type, next)
          : effectOf(definition, type, expected, next.actual),
      replaced: expected === undefined ? (live?.replaced ?? null) : null,
    },
    sides: { expected: expected !== undefined, actual: actual !== undefined },
  };
}

/** Where a wanted value begins that may take effect at most once; null for any other. */
export function effectOf(
  definition: PropertyDefinition | undefined,
  type: TwinType,
  wanted: string,
  actual: TwinValue | null,
): EffectState | null {
  if (definition?.effect !== "at-most-once" || wanted === "") return null;
  return actual !== null && sameValue(type, wanted, actual.value) ? "done" : "pending";
}

function settled(
  effect: EffectState | null,
  type: TwinType,
  { expected, actual }: { readonly expected: TwinValue | null; readonly actual: TwinValue | null },
): EffectState | null {
  if (effect === null || expected === null || actual === null) return effect;
  return sameValue(type, expected.value, actual.value) ? "done" : effect;
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
    expectedOwner: null,
    effect: null,
    replaced: null,
  };
}

function nextEdgeVersion(version: TwinVersion | null, changed: boolean): TwinVersion | null {
  if (!changed) return version;
  return { cloud: version?.cloud ?? 0, edge: (version?.edge ?? 0) + 1 };
}
