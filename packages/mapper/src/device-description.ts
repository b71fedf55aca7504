import type { JsonObject } from "@skerry/base";
import { type Device, type DeviceModel, fromCustomizedValue } from "@skerry/dmi";
import { type PropertyType, propertyType } from "./property-value.ts";

/** A property of a device as the SDK drives it. */
export interface PropertyDescription {
  readonly name: string;
  readonly type: PropertyType;
  readonly writable: boolean;
  readonly config: JsonObject;
  /** How often it is read. */
  readonly collectCycleMs: number;
  /** The least time between two reports of it; 0 for each reading. */
  readonly reportCycleMs: number;
  /** Whether its values go to EdgeCore at all. */
  readonly reported: boolean;
}

/** A device as the SDK drives it, without what is wanted of it just now. */
export interface DeviceDescription {
  /** `<namespace>/<name>`. */
  readonly id: string;
  readonly namespace: string;
  readonly name: string;
  readonly config: JsonObject;
  readonly properties: readonly PropertyDescription[];
}

const DEFAULT_CYCLE_MS = 1_000;
/** What a Device may ask at most, so that a slip in its cycle does not keep a device busy. */
const SHORTEST_CYCLE_MS = 10;

/** Reads a Device as EdgeCore gives it; types and access are its model's. */
export function describeDevice(device: Device, model: DeviceModel): DeviceDescription {
  const templates = new Map((model.spec?.properties ?? []).map((property) => [property.name, property]));
  return {
    id: deviceIdOf(device.namespace, device.name),
    namespace: device.namespace || "default",
    name: device.name,
    config: fromCustomizedValue(device.spec?.protocol?.configData),
    properties: (device.spec?.properties ?? []).map((property) => {
      const template = templates.get(property.name);
      return {
        name: property.name,
        type: propertyType(template?.type ?? ""),
        writable: template?.accessMode !== "ReadOnly",
        config: fromCustomizedValue(property.visitors?.configData),
        collectCycleMs: Math.max(SHORTEST_CYCLE_MS, property.collectCycle || DEFAULT_CYCLE_MS),
        reportCycleMs: Math.max(0, property.reportCycle),
        reported: property.reportToCloud,
      };
    }),
  };
}

/** What is wanted of a Device's properties, by name; "" is KubeEdge's way to want nothing. */
export function wantedOf(device: Device): ReadonlyMap<string, string> {
  return new Map(
    (device.spec?.properties ?? []).flatMap(({ name, desired }): [string, string][] =>
      desired !== undefined && desired.value !== "" ? [[name, desired.value]] : [],
    ),
  );
}

export function deviceIdOf(namespace: string, name: string): string {
  return `${namespace || "default"}/${name}`;
}
