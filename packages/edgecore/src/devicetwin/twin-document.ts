import { isJsonObject, type JsonObject } from "@skerry/base";
import type { ResultCode } from "./errors.ts";
import { liveProperties, type PropertyChange, type Twin, type TwinProperty, type TwinValue } from "./twin-property.ts";
import { sameValue } from "./value-type.ts";

/** What every document carries (devices.md 5.2). */
export interface DocumentHead {
  readonly eventId: string;
  readonly timestampMs: number;
}

/** `twin/update/result` of an update that is committed: only the sides that were sent, without versions. */
export function updateResult(head: DocumentHead, changes: readonly PropertyChange[]): JsonObject {
  const answers = changes.filter(({ sides }) => sides.expected || sides.actual);
  return {
    ...headOf(head),
    twin: byName(answers, ({ after, sides }) => [
      after.name,
      after.type === "deleted" ? null : sentSides(after, sides),
    ]),
  };
}

/** The answer to a request that is refused. */
export function errorResult(head: DocumentHead, code: ResultCode, reason: string): JsonObject {
  return { ...headOf(head), code, reason };
}

/** `twin/get/result`. */
export function getResult(head: DocumentHead, twin: Twin): JsonObject {
  return { ...headOf(head), twin: byName(liveProperties(twin), (property) => [property.name, propertyJson(property)]) };
}

/** `twin/update/document`: each changed property before and after. */
export function changeDocument(head: DocumentHead, changes: readonly PropertyChange[]): JsonObject {
  return {
    ...headOf(head),
    twin: byName(changes, ({ before, after }) => [
      after.name,
      {
        last: before === null ? null : propertyJson(before),
        current: after.type === "deleted" ? null : propertyJson(after),
      },
    ]),
  };
}

/**
 * `twin/update/delta`: what the device still has to do; null when it has nothing to do. `twin` holds every property
 * with an expected value, `delta` those whose actual value differs. Numbers differ by value: a thermostat that answers
 * `20` to `20.0` is done. What may take effect at most once is not repeated here.
 */
export function delta(head: DocumentHead, twin: Twin): JsonObject | null {
  return deltaOf(
    head,
    twin,
    ({ type, expected, actual, effect }) =>
      effect === null && (actual === null || !sameValue(type, expected?.value ?? "", actual.value)),
  );
}

/** The delta of what may take effect at most once; null when there is nothing to begin. */
export function onceDelta(head: DocumentHead, twin: Twin): JsonObject | null {
  return deltaOf(head, twin, ({ effect }) => effect === "pending");
}

function deltaOf(head: DocumentHead, twin: Twin, isToDo: (property: TwinProperty) => boolean): JsonObject | null {
  const wanted = liveProperties(twin).filter((property) => property.expected !== null);
  const differing = wanted.filter(isToDo);
  if (differing.length === 0) return null;
  return {
    ...headOf(head),
    twin: byName(wanted, (property) => [property.name, propertyJson(property)]),
    delta: byName(differing, (property) => [property.name, property.expected?.value ?? ""]),
  };
}

/**
 * Content of the report to the cloud (wire.md 12.6, U27): each property whole, so that only the newest must arrive. Who
 * owns an expected value, and what has become of it, only Skerry's cloud understands.
 */
export function twinReport(
  head: DocumentHead,
  properties: readonly TwinProperty[],
  { withOwners }: { readonly withOwners: boolean } = { withOwners: false },
): JsonObject {
  const entry = (property: TwinProperty): [string, JsonObject] => {
    const json = reportedProperty(head, property);
    return [property.name, withOwners ? owned(json, property) : json];
  };
  return { ...headOf(head), twin: byName(properties, entry) };
}

function owned(json: JsonObject, { expectedOwner, effect, replaced }: TwinProperty): JsonObject {
  const expected = json["expected"];
  if (!isJsonObject(expected) || expectedOwner === null) return json;
  const before = isJsonObject(expected["metadata"]) ? expected["metadata"] : {};
  const metadata = {
    ...before,
    owner: expectedOwner,
    ...(effect === null ? {} : { effect }),
    ...(replaced === null ? {} : { replaced }),
  };
  return { ...json, expected: { ...expected, metadata } };
}

/** A side that once had a value and has none now is "", else the cloud would show the old one for ever. */
function reportedProperty(head: DocumentHead, property: TwinProperty): JsonObject {
  const none: TwinValue = { value: "", timestampMs: head.timestampMs };
  const { expectedVersion, actualVersion } = property;
  const sides = {
    expected: property.expected ?? (expectedVersion && none),
    actual: property.actual ?? (actualVersion && none),
  };
  return {
    ...propertyJson({ ...property, ...sides }),
    ...(expectedVersion ? { expected_version: { ...expectedVersion } } : {}),
    ...(actualVersion ? { actual_version: { ...actualVersion } } : {}),
  };
}

/** A property as clients see it: without versions. */
function propertyJson(property: TwinProperty): JsonObject {
  return {
    ...(property.expected === null ? {} : { expected: valueJson(property.expected) }),
    ...(property.actual === null ? {} : { actual: valueJson(property.actual) }),
    optional: property.optional,
    metadata: { type: property.type },
  };
}

function sentSides(property: TwinProperty, sides: PropertyChange["sides"]): JsonObject {
  return propertyJson({
    ...property,
    expected: sides.expected ? property.expected : null,
    actual: sides.actual ? property.actual : null,
  });
}

function valueJson(value: TwinValue): JsonObject {
  return { value: value.value, metadata: { timestamp: value.timestampMs } };
}

function headOf(head: DocumentHead): JsonObject {
  return { event_id: head.eventId, timestamp: head.timestampMs };
}

function byName<T>(items: readonly T[], entry: (item: T) => [string, JsonObject | string | null]): JsonObject {
  return Object.fromEntries(items.map(entry).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}
