import { type KubernetesObject, OLDER_DEVICE_FORM, readTwinRules, type TwinRules } from "@skerry/api";
import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";

/** What the Device and its DeviceModel say about one property (devices.md 2.1, 2.2). */
export interface PropertyDefinition extends TwinRules {
  readonly name: string;
  /** The model's type as it is written there, e.g. `FLOAT`; undefined when the model does not have the property. */
  readonly type?: string;
  readonly access: "ReadWrite" | "ReadOnly";
  /** The value wanted by the cloud; null when there is none (Go writes an unset one as ""). */
  readonly desired: string | null;
  readonly minimum?: number;
  readonly maximum?: number;
  /** The cloud is told of the property at most once in this time. */
  readonly reportCycleMs?: number;
}

/** A Device as the twin needs it. */
export interface DeviceDefinition {
  /** `<namespace>/<name>`. */
  readonly id: string;
  readonly name: string;
  readonly uid: string;
  readonly description: string;
  /** resourceVersion of the Device as a number; 0 when it is none. */
  readonly version: number;
  /** Whether the DeviceModel it refers to is known here; without it types and access are not known. */
  readonly modelKnown: boolean;
  readonly modelName: string;
  /** The Device was written in KubeEdge's v1alpha2, whose clients know no namespaces of devices. */
  readonly calledByName: boolean;
  readonly properties: ReadonlyMap<string, PropertyDefinition>;
}

/**
 * Reads Device and DeviceModel as they came over the wire; members of a wrong type count as absent, since a device must
 * not stop another one's twin.
 */
export function readDeviceDefinition(device: KubernetesObject, model: KubernetesObject | undefined): DeviceDefinition {
  const { metadata } = device;
  const spec = specOf(device);
  const modelName = modelNameOf(device);
  const modelProperties = new Map(named(model ? specOf(model)["properties"] : undefined));
  const properties = new Map<string, PropertyDefinition>();
  const rulesOf = readTwinRules(device, model);
  const own = new Map(named(spec["properties"]));
  // What only the model names has its type and access too: a Device need not list what nothing is wanted of.
  for (const name of new Set([...own.keys(), ...modelProperties.keys()])) {
    const [property, template] = [own.get(name) ?? {}, modelProperties.get(name)];
    properties.set(name, {
      name,
      ...rulesOf(name),
      access: template?.["accessMode"] === "ReadOnly" ? "ReadOnly" : "ReadWrite",
      desired: desiredOf(property),
      ...optionalText("type", template?.["type"]),
      ...optionalNumber("minimum", template?.["minimum"]),
      ...optionalNumber("maximum", template?.["maximum"]),
      ...reportCycle(property["reportCycle"]),
    });
  }
  const version = Number(metadata.resourceVersion ?? 0);
  return {
    id: `${metadata.namespace ?? "default"}/${metadata.name}`,
    name: metadata.name,
    uid: metadata.uid ?? "",
    description: metadata.labels?.["description"] ?? "",
    version: Number.isSafeInteger(version) ? version : 0,
    modelKnown: modelName === "" || model !== undefined,
    modelName,
    calledByName: metadata.annotations?.[OLDER_DEVICE_FORM] !== undefined,
    properties,
  };
}

/** Name of the DeviceModel in the Device's namespace; "" when it refers to none. */
export function modelNameOf(device: KubernetesObject): string {
  const reference = specOf(device)["deviceModelRef"];
  const name = isJsonObject(reference) ? reference["name"] : undefined;
  return typeof name === "string" ? name : "";
}

function specOf(object: KubernetesObject): JsonObject {
  const spec = (object as KubernetesObject & { spec?: JsonValue }).spec;
  return isJsonObject(spec) ? spec : {};
}

const DAY_MS = 24 * 3_600_000;

/**
 * KubeEdge's documents give cycles in nanoseconds, its code takes milliseconds (devices.md 11.18): what would be more than
 * a day is taken for nanoseconds.
 */
function reportCycle(value: JsonValue | undefined): { readonly reportCycleMs?: number } {
  if (typeof value !== "number" || !Number.isFinite(value) || value <= 0) return {};
  return { reportCycleMs: value > DAY_MS ? value / 1e6 : value };
}

function named(list: JsonValue | undefined): [string, JsonObject][] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((item): [string, JsonObject][] =>
    isJsonObject(item) && typeof item["name"] === "string" ? [[item["name"], item]] : [],
  );
}

function desiredOf(property: JsonObject): string | null {
  const desired = property["desired"];
  const value = isJsonObject(desired) ? desired["value"] : undefined;
  return typeof value === "string" && value !== "" ? value : null;
}

function optionalText<K extends string>(key: K, value: JsonValue | undefined): Partial<Record<K, string>> {
  return typeof value === "string" && value !== "" ? ({ [key]: value } as Record<K, string>) : {};
}

/** Minimum and maximum are texts in the API. */
function optionalNumber<K extends string>(key: K, value: JsonValue | undefined): Partial<Record<K, number>> {
  if (typeof value !== "string" || value.trim() === "") return {};
  const number = Number(value);
  return Number.isFinite(number) ? ({ [key]: number } as Record<K, number>) : {};
}
