import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";

/** What became of older manifests. */
export interface ConvertedManifests {
  /** All objects, in their order; those that are not of the older forms as they were. */
  readonly objects: readonly JsonValue[];
  /** What has no place in v1beta1 any more, or was guessed; one sentence each. */
  readonly notes: readonly string[];
}

const GROUP = "devices.kubeedge.io";
const NEWEST = `${GROUP}/v1beta1`;
const NANOSECONDS_PER_MILLISECOND = 1e6;

/**
 * Device and DeviceModel manifests of v1alpha1 and v1alpha2 as v1beta1 (devices.md 9.1). A v1alpha1 model keeps its
 * visitors as defaults for all its devices; those that come along here get them as their own too.
 */
export function convertOlderDevices(objects: readonly JsonValue[]): ConvertedManifests {
  const notes: string[] = [];
  // Of v1alpha1: visitors were the model's, one for all its devices.
  const visitorsOfModels = new Map<string, JsonValue[]>();
  for (const object of objects)
    if (isOlder(object) && object["kind"] === "DeviceModel")
      visitorsOfModels.set(nameOf(object), listAt(member(object, "spec"), "propertyVisitors"));
  const converted = objects.map((object) => {
    if (!isOlder(object)) return object;
    if (object["kind"] === "DeviceModel") return convertModel(object, notes);
    if (object["kind"] === "Device") return convertDevice(object, visitorsOfModels, notes);
    return object;
  });
  return { objects: converted, notes };
}

function convertModel(model: JsonObject, notes: string[]): JsonObject {
  const spec = member(model, "spec");
  const visitors = new Map<JsonValue, JsonObject>();
  for (const visitor of listAt(spec, "propertyVisitors")) {
    const { propertyName, collectCycle, reportCycle, customizedValues, ...forms } = asObject(visitor);
    visitors.set(propertyName ?? null, protocolOf(forms, customizedValues));
    if (collectCycle !== undefined || reportCycle !== undefined)
      notes.push(
        `${nameOf(model)}: a model has no cycles any more; set those of ${String(propertyName)} in its devices`,
      );
  }
  const properties = listAt(spec, "properties").map((property) => {
    const { type, ...rest } = asObject(property);
    const [[name, details] = ["string", {}]] = Object.entries(asObject(type)) as [string, JsonObject][];
    const { defaultValue, ...kept } = asObject(details);
    if (defaultValue !== undefined && defaultValue !== "")
      notes.push(`${nameOf(model)}: the default value of property ${String(rest["name"])} has no place any more`);
    const bounds = Object.fromEntries(Object.entries(kept).map(([key, value]) => [key, String(value)]));
    const visitor = visitors.get(rest["name"] ?? null);
    return { ...rest, type: name.toUpperCase(), ...bounds, ...(visitor === undefined ? {} : { visitors: visitor }) };
  });
  const { propertyVisitors: _visitors, properties: _properties, ...others } = spec;
  return { ...model, apiVersion: NEWEST, spec: { ...others, properties } };
}

function convertDevice(
  device: JsonObject,
  visitorsOfModels: ReadonlyMap<string, JsonValue[]>,
  notes: string[],
): JsonObject {
  const { spec: _spec, status: _status, ...head } = device;
  const spec = member(device, "spec");
  const modelName = String(member(spec, "deviceModelRef")["name"] ?? "");
  const own = listAt(spec, "propertyVisitors");
  const properties = new Map<string, JsonObject>();
  for (const visitor of own.length > 0 ? own : (visitorsOfModels.get(modelName) ?? [])) {
    const { propertyName, collectCycle, reportCycle, customizedValues, ...forms } = asObject(visitor);
    const name = String(propertyName ?? "");
    properties.set(name, {
      name,
      ...cycle("collectCycle", collectCycle),
      ...cycle("reportCycle", reportCycle),
      reportToCloud: true,
      visitors: protocolOf(forms, customizedValues),
    });
  }
  for (const twin of listAt(member(device, "status"), "twins")) {
    const { propertyName, desired } = asObject(twin);
    const name = String(propertyName ?? "");
    const { value, metadata } = asObject(desired);
    const before = properties.get(name) ?? { name, reportToCloud: true };
    if (value === undefined || value === "") properties.set(name, before);
    else properties.set(name, { ...before, desired: { value: String(value), ...textsOnly(metadata) } });
  }
  const nodeName = nodeOf(spec);
  if (nodeName === undefined) notes.push(`${nameOf(device)}: its nodeSelector names no node; set spec.nodeName`);
  if (spec["data"] !== undefined)
    notes.push(
      `${nameOf(device)}: its data section has no place any more; publish on $ke/events/device/NAMESPACE/NAME/data/update`,
    );
  const { common, ...forms } = member(spec, "protocol");
  return {
    ...head,
    apiVersion: NEWEST,
    spec: {
      deviceModelRef: { name: modelName },
      ...(nodeName === undefined ? {} : { nodeName }),
      protocol: protocolOf(withFlatModbus(forms), connectionOf(asObject(common))),
      properties: [...properties.values()],
    },
  };
}

/** `{modbus: {…}}` or `{customizedProtocol: {protocolName, configData}}` as name and parameters. */
function protocolOf(forms: JsonObject, more: JsonValue | undefined): JsonObject {
  const [[form, details] = ["", {}]] = Object.entries(forms) as [string, JsonObject][];
  const { protocolName, configData, ...parameters } = asObject(details);
  const name = form === "customizedProtocol" ? String(protocolName ?? "") : form;
  return { protocolName: name, configData: { ...parameters, ...asObject(configData), ...asObject(more) } };
}

/** v1alpha1 has the connection of Modbus in `rtu` or `tcp` of its own section, where v1alpha2 has `common`. */
function withFlatModbus(forms: JsonObject): JsonObject {
  const { rtu, tcp, ...rest } = asObject(forms["modbus"]);
  if (rtu === undefined && tcp === undefined) return forms;
  const connection = { ...(rtu === undefined ? {} : { com: rtu }), ...(tcp === undefined ? {} : { tcp }) };
  return { ...forms, modbus: { ...rest, ...connectionOf(connection) } };
}

/** The connection of the older `common` section, in the words of KubeEdge's v1beta1 Modbus mapper. */
function connectionOf({ com, tcp, customizedValues, ...rest }: JsonObject): JsonObject {
  const { serialPort, ...serial } = asObject(com);
  return {
    ...(com === undefined ? {} : { communicateMode: "RTU", ...serial }),
    ...(serialPort === undefined ? {} : { serialName: serialPort }),
    ...(tcp === undefined ? {} : { communicateMode: "TCP", ...asObject(tcp) }),
    ...rest,
    ...asObject(customizedValues),
  };
}

/** KubeEdge's own samples have milliseconds in places: what would be less than one is taken for them. */
function cycle(name: "collectCycle" | "reportCycle", value: JsonValue | undefined): JsonObject {
  if (typeof value !== "number" || value <= 0) return {};
  return { [name]: value < NANOSECONDS_PER_MILLISECOND ? value : Math.round(value / NANOSECONDS_PER_MILLISECOND) };
}

function nodeOf(spec: JsonObject): string | undefined {
  if (typeof spec["nodeName"] === "string") return spec["nodeName"];
  const [term] = listAt(member(spec, "nodeSelector"), "nodeSelectorTerms");
  const [expression] = listAt(asObject(term), "matchExpressions");
  const [name] = listAt(asObject(expression), "values");
  return typeof name === "string" && name !== "" ? name : undefined;
}

function textsOnly(metadata: JsonValue | undefined): JsonObject {
  const texts = Object.entries(asObject(metadata)).map(([key, value]) => [key, String(value)]);
  return texts.length > 0 ? { metadata: Object.fromEntries(texts) as JsonObject } : {};
}

function isOlder(object: JsonValue): object is JsonObject {
  const version = isJsonObject(object) ? object["apiVersion"] : undefined;
  return version === `${GROUP}/v1alpha1` || version === `${GROUP}/v1alpha2`;
}

function nameOf(object: JsonObject): string {
  return String(member(object, "metadata")["name"] ?? "");
}

function member(object: JsonObject, name: string): JsonObject {
  return asObject(object[name]);
}

function asObject(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

function listAt(object: JsonObject, name: string): JsonValue[] {
  const list = object[name];
  return Array.isArray(list) ? list : [];
}
