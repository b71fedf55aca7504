import type { KubernetesObject } from "@skerry/api";
import type { JsonObject, JsonValue } from "@skerry/base";
import {
  AT_MOST_ONCE,
  type CustomizedValue,
  type Device,
  type DeviceModel,
  type DeviceProperty,
  EFFECT_METADATA,
  type ModelProperty,
  toCustomizedValue,
} from "@skerry/dmi";
import { JsonReader } from "./json-reader.ts";
import { toPushMethod } from "./push-method-conversion.ts";

/** The protocol that selects a Device's mapper: its own, else its model's. */
export function protocolOf(device: KubernetesObject, model: KubernetesObject | undefined): string {
  return specOf(device).section("protocol").text("protocolName") || (model ? specOf(model).text("protocol") : "");
}

/**
 * A Device as mappers get it (devices.md 7.4): completed from its model, and with the values that are wanted just now,
 * which the device twin has checked, instead of those that the Device names. `once` is given in this message only, and says
 * so to mappers that understand it.
 */
export function toDmiDevice(
  device: KubernetesObject,
  model: KubernetesObject,
  wanted: ReadonlyMap<string, string>,
  once: ReadonlyMap<string, string> = new Map(),
): Device {
  const spec = specOf(device);
  const modelSpec = specOf(model);
  const templates = new Map(modelSpec.sections("properties").map((property) => [property.text("name"), property]));
  const reporting = spec.has("stateReport") ? spec.section("stateReport") : readerOf(device, "status");
  const protocol = spec.section("protocol");
  return {
    name: device.metadata.name,
    namespace: device.metadata.namespace ?? "default",
    spec: {
      deviceModelReference: model.metadata.name,
      protocol: {
        protocolName: protocolOf(device, model),
        configData: merged(modelSpec.section("protocolConfigData"), protocol.section("configData")),
      },
      properties: spec
        .sections("properties")
        .map((property) => toProperty(property, templates.get(property.text("name")), wanted, once)),
      methods: spec.sections("methods").map((method) => ({
        name: method.text("name"),
        description: method.text("description"),
        propertyNames: method.texts("propertyNames"),
      })),
    },
    status: {
      twins: [],
      reportToCloud: reporting.flag("reportToCloud"),
      reportCycle: reporting.integer("reportCycle"),
    },
  };
}

/** A DeviceModel as mappers get it. */
export function toDmiModel(model: KubernetesObject): DeviceModel {
  return {
    name: model.metadata.name,
    namespace: model.metadata.namespace ?? "default",
    spec: { properties: specOf(model).sections("properties").map(toModelProperty), commands: [] },
  };
}

function toModelProperty(property: JsonReader): ModelProperty {
  return {
    name: property.text("name"),
    description: property.text("description"),
    type: property.text("type"),
    accessMode: property.text("accessMode"),
    minimum: property.text("minimum"),
    maximum: property.text("maximum"),
    unit: property.text("unit"),
  };
}

function toProperty(
  property: JsonReader,
  template: JsonReader | undefined,
  wanted: ReadonlyMap<string, string>,
  once: ReadonlyMap<string, string>,
): DeviceProperty {
  const name = property.text("name");
  const value = once.get(name) ?? wanted.get(name);
  const metadata = property.section("desired").textMap("metadata");
  if (once.has(name)) metadata.set(EFFECT_METADATA, AT_MOST_ONCE);
  const visitors = property.section("visitors");
  const defaults = (template ?? new JsonReader(undefined)).section("visitors");
  return {
    name,
    desired: value === undefined ? undefined : { value, metadata },
    visitors: {
      protocolName: defaults.text("protocolName") || visitors.text("protocolName"),
      configData: merged(defaults.section("configData"), visitors.section("configData")),
    },
    reportCycle: property.integer("reportCycle"),
    collectCycle: property.integer("collectCycle"),
    reportToCloud: property.flag("reportToCloud"),
    pushMethod: property.has("pushMethod") ? toPushMethod(property.section("pushMethod")) : undefined,
  };
}

/** What the Device says goes before what its model says, name by name. */
function merged(defaults: JsonReader, own: JsonReader): CustomizedValue {
  const config: JsonObject = { ...defaults.json, ...own.json };
  return toCustomizedValue(config);
}

function specOf(object: KubernetesObject): JsonReader {
  return readerOf(object, "spec");
}

function readerOf(object: KubernetesObject, member: "spec" | "status"): JsonReader {
  return new JsonReader((object as KubernetesObject & { [name in typeof member]?: JsonValue })[member]);
}
