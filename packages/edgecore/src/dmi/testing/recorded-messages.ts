import { fromBase64, isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import type { AnyValue, Device, DeviceModel, TwinProperty, VisitorConfig } from "@skerry/dmi";

/** Recorded DMI messages (JSON without members that have their default) as the generated code has them. */
export function recordedDevice(json: JsonObject): Device {
  const spec = object(json["spec"]);
  return {
    name: text(json["name"]),
    namespace: text(json["namespace"]),
    status: { twins: [], reportToCloud: false, reportCycle: 0 },
    spec: {
      deviceModelReference: text(spec["deviceModelReference"]),
      protocol: config(object(spec["protocol"])),
      methods: [],
      properties: list(spec["properties"]).map((property) => ({
        name: text(property["name"]),
        desired: recordedTwinProperty(property["desired"]),
        visitors: config(object(property["visitors"])),
        reportCycle: Number(property["reportCycle"] ?? 0),
        collectCycle: Number(property["collectCycle"] ?? 0),
        reportToCloud: property["reportToCloud"] === true,
        pushMethod: undefined,
      })),
    },
  };
}

export function recordedModel(json: JsonObject): DeviceModel {
  return {
    name: text(json["name"]),
    namespace: text(json["namespace"]),
    spec: {
      commands: [],
      properties: list(object(json["spec"])["properties"]).map((property) => ({
        name: text(property["name"]),
        description: text(property["description"]),
        type: text(property["type"]),
        accessMode: text(property["accessMode"]),
        minimum: text(property["minimum"]),
        maximum: text(property["maximum"]),
        unit: text(property["unit"]),
      })),
    },
  };
}

export function recordedTwinProperty(json: JsonValue | undefined): TwinProperty | undefined {
  if (!isJsonObject(json)) return undefined;
  const metadata = Object.entries(object(json["metadata"])).map(([name, value]) => [name, text(value)] as const);
  return { value: text(json["value"]), metadata: new Map(metadata) };
}

export function object(json: JsonValue | undefined): JsonObject {
  return isJsonObject(json) ? json : {};
}

export function list(json: JsonValue | undefined): JsonObject[] {
  return Array.isArray(json) ? json.map(object) : [];
}

export function text(json: JsonValue | undefined): string {
  return typeof json === "string" ? json : "";
}

function config(json: JsonObject): VisitorConfig {
  const data = Object.entries(object(object(json["configData"])["data"])).map(([name, value]): [string, AnyValue] => [
    name,
    { typeUrl: text(object(value)["type_url"]), value: fromBase64(text(object(value)["value"])) },
  ]);
  return { protocolName: text(json["protocolName"]), configData: { data: new Map(data) } };
}
