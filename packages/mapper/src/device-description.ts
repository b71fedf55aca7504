import type { JsonObject } from "@skerry/base";
import {
  AT_MOST_ONCE,
  type Device,
  type DeviceModel,
  type DeviceProperty,
  EFFECT_METADATA,
  fromCustomizedValue,
  type ModelProperty,
} from "@skerry/dmi";
import { type PropertyType, propertyType } from "./property-value.ts";
import { type PushTarget, pushTargetsOf } from "./push-target.ts";
import type { ValueRange } from "./value-rules.ts";

/** A property of a device as the SDK drives it. */
export interface PropertyDescription {
  readonly name: string;
  readonly description: string;
  readonly type: PropertyType;
  readonly unit: string;
  readonly writable: boolean;
  /** Its model's. */
  readonly range: ValueRange;
  readonly config: JsonObject;
  /** How often it is read. */
  readonly collectCycleMs: number;
  /** The least time between two reports of it; 0 for each reading. */
  readonly reportCycleMs: number;
  /** Whether its values go to EdgeCore. */
  readonly reported: boolean;
  /** Where its values go besides. */
  readonly pushTargets: readonly PushTarget[];
}

/** A group of properties that can be written by name (devices.md 8.8). */
export interface MethodDescription {
  readonly name: string;
  readonly description: string;
  readonly propertyNames: readonly string[];
}

/** A device as the SDK drives it, without what is wanted of it just now. */
export interface DeviceDescription {
  /** `<namespace>/<name>`. */
  readonly id: string;
  readonly namespace: string;
  readonly name: string;
  readonly modelName: string;
  readonly config: JsonObject;
  readonly properties: readonly PropertyDescription[];
  readonly methods: readonly MethodDescription[];
}

const DEFAULT_CYCLE_MS = 1_000;
/** What a Device may ask at most, so that a slip in its cycle does not keep a device busy. */
const SHORTEST_CYCLE_MS = 10;
/** KubeEdge's documentation and examples have nanoseconds where its code takes milliseconds: "10 s" is 115 days there. */
const NANOSECONDS_FROM = 24 * 60 * 60 * 1_000;

/** Reads a Device as EdgeCore gives it; types, access and ranges are its model's. */
export function describeDevice(device: Device, model: DeviceModel): DeviceDescription {
  const templates = new Map((model.spec?.properties ?? []).map((property) => [property.name, property]));
  return {
    id: deviceIdOf(device.namespace, device.name),
    namespace: device.namespace || "default",
    name: device.name,
    modelName: model.name,
    config: fromCustomizedValue(device.spec?.protocol?.configData),
    properties: (device.spec?.properties ?? []).map((property) =>
      describeProperty(property, templates.get(property.name)),
    ),
    methods: device.spec?.methods ?? [],
  };
}

function describeProperty(property: DeviceProperty, template: ModelProperty | undefined): PropertyDescription {
  return {
    name: property.name,
    description: template?.description ?? "",
    type: propertyType(template?.type ?? ""),
    unit: template?.unit ?? "",
    writable: template?.accessMode !== "ReadOnly",
    range: { minimum: numberOf(template?.minimum), maximum: numberOf(template?.maximum) },
    config: fromCustomizedValue(property.visitors?.configData),
    collectCycleMs: Math.max(SHORTEST_CYCLE_MS, cycleMs(property.collectCycle) || DEFAULT_CYCLE_MS),
    reportCycleMs: cycleMs(property.reportCycle),
    reported: property.reportToCloud,
    pushTargets: pushTargetsOf(property.pushMethod),
  };
}

/** A Device's cycle in milliseconds; one of a day and more was meant in nanoseconds. */
export function cycleMs(cycle: number): number {
  return cycle >= NANOSECONDS_FROM ? Math.round(cycle / 1e6) : Math.max(0, cycle);
}

/** Properties of a Device whose cycles are taken for nanoseconds. */
export function propertiesInNanoseconds(device: Device): string[] {
  const isLong = (cycle: number): boolean => cycleMs(cycle) < cycle;
  return (device.spec?.properties ?? [])
    .filter(({ collectCycle, reportCycle }) => isLong(collectCycle) || isLong(reportCycle))
    .map(({ name }) => name);
}

/**
 * What is wanted of a Device's properties, by name; "" is KubeEdge's way to want nothing. `once` is to be written once,
 * whatever becomes of it, the rest until it has succeeded.
 */
export function wantedOf(device: Device): Record<"wanted" | "once", ReadonlyMap<string, string>> {
  const [wanted, once] = [new Map<string, string>(), new Map<string, string>()];
  for (const { name, desired } of device.spec?.properties ?? [])
    if (desired !== undefined && desired.value !== "")
      (desired.metadata.get(EFFECT_METADATA) === AT_MOST_ONCE ? once : wanted).set(name, desired.value);
  return { wanted, once };
}

export function deviceIdOf(namespace: string, name: string): string {
  return `${namespace || "default"}/${name}`;
}

function numberOf(text: string | undefined): number | undefined {
  if (text === undefined || text.trim() === "") return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}
