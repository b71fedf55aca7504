import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import { convertOlderDevices } from "./older-device-forms.ts";

/**
 * The versions of KubeEdge's older tutorials, newest first; served beside v1beta1, stored as v1beta1. They are one form in
 * which only the place of `propertyVisitors` differs: v1alpha1 has them in the DeviceModel, v1alpha2 in the Device.
 */
export const OLDER_DEVICE_VERSIONS: readonly string[] = ["v1alpha2", "v1alpha1"];

/** Annotation of stored objects: what a client of an older version wrote, so that it reads the same again. */
export const OLDER_DEVICE_FORM = "skerry.io/v1alpha2-form";
/** On objects of older versions: the spec in v1beta1, so that an update loses nothing that they cannot say. */
const STORED_SPEC = "skerry.io/v1beta1-spec";

const GROUP = "devices.kubeedge.io";
const NANOSECONDS_PER_MILLISECOND = 1e6;

/** What a user writes in an older version; wanted values are in a Device's `status.twins` there. */
interface OlderForm {
  readonly spec: JsonObject;
  readonly twins?: readonly JsonObject[];
}

/**
 * A Device or DeviceModel of an older version as v1beta1. What it says of reported values is taken along; who knows the
 * object's status better puts that in its place. A property that the older form cannot fully say keeps the rest that it had.
 */
export function fromOlderDevice(object: JsonObject): JsonObject {
  const { [STORED_SPEC]: before, ...annotations } = annotationsOf(object);
  const written: OlderForm = {
    spec: at(object, "spec"),
    ...(object["kind"] === "Device" ? { twins: twinsOf(object).map(withoutReports) } : {}),
  };
  const spec = newerSpec(object, written);
  const known = parse(before);
  const isUnchanged = known !== undefined && sameJson(asJson(olderForm(object, known)), asJson(written));
  return {
    ...withAnnotations(object, { ...annotations, [OLDER_DEVICE_FORM]: JSON.stringify(written) }),
    apiVersion: `${GROUP}/v1beta1`,
    spec: isUnchanged ? known : keepUnsaid(spec, known ?? {}),
    ...(object["kind"] === "Device" ? statusMember(reportedStatus(object)) : {}),
  };
}

/** A stored Device or DeviceModel in one of the {@link OLDER_DEVICE_VERSIONS}. */
export function toOlderDevice(stored: JsonObject, version: string): JsonObject {
  const { [OLDER_DEVICE_FORM]: text, ...annotations } = annotationsOf(stored);
  const spec = at(stored, "spec");
  const written = parse(text);
  const form = written && { spec: at(written, "spec"), twins: objects(written["twins"]) };
  const isUsable = form !== undefined && sameJson(newerSpec(stored, form), spec);
  const { spec: older, twins = [] } = isUsable ? form : olderForm(stored, spec);
  return {
    ...withAnnotations(stored, isUsable ? annotations : { ...annotations, [STORED_SPEC]: JSON.stringify(spec) }),
    apiVersion: `${GROUP}/${version}`,
    spec: older,
    ...(stored["kind"] === "Device" ? statusMember(statusWith(at(stored, "status"), twins)) : {}),
  };
}

function newerSpec(object: JsonObject, { spec, twins = [] }: OlderForm): JsonObject {
  const manifest = { apiVersion: `${GROUP}/v1alpha2`, kind: object["kind"] ?? "", metadata: {}, spec };
  const [converted] = convertOlderDevices([{ ...manifest, status: { twins: [...twins] } }]).objects;
  return isJsonObject(converted) ? at(converted, "spec") : {};
}

function olderForm(object: JsonObject, spec: JsonObject): OlderForm {
  return object["kind"] === "Device" ? olderDevice(spec) : { spec: olderModel(spec) };
}

function olderDevice(spec: JsonObject): OlderForm {
  const { nodeName } = spec;
  const properties = objects(spec["properties"]);
  const expression = { key: "", operator: "In", values: [nodeName ?? ""] };
  return {
    spec: {
      deviceModelRef: at(spec, "deviceModelRef"),
      ...(nodeName === undefined ? {} : { nodeSelector: { nodeSelectorTerms: [{ matchExpressions: [expression] }] } }),
      protocol: { customizedProtocol: at(spec, "protocol") },
      propertyVisitors: properties
        .filter((property) => ["visitors", "collectCycle", "reportCycle"].some((name) => property[name] !== undefined))
        .map((property) => ({
          propertyName: property["name"] ?? "",
          ...nanoseconds(property, "collectCycle"),
          ...nanoseconds(property, "reportCycle"),
          customizedProtocol: at(property, "visitors"),
        })),
    },
    twins: properties.map(({ name = "", desired }) => ({
      propertyName: name,
      ...(desired === undefined ? {} : { desired }),
    })),
  };
}

function olderModel(spec: JsonObject): JsonObject {
  const { properties, ...others } = spec;
  return {
    ...others,
    properties: objects(properties).map(({ type, accessMode, minimum, maximum, unit, visitors: _, ...rest }) => {
      const details = {
        ...(accessMode === undefined ? {} : { accessMode }),
        ...bound("minimum", minimum),
        ...bound("maximum", maximum),
        ...(unit === undefined ? {} : { unit }),
      };
      return { ...rest, type: { [String(type ?? "STRING").toLowerCase()]: details } };
    }),
  };
}

/** Carries over what has no place in the older form. */
function keepUnsaid(spec: JsonObject, before: JsonObject): JsonObject {
  const { methods, stateReport, protocolConfigData } = before;
  const known = new Map(objects(before["properties"]).map((property) => [property["name"], property]));
  const properties = objects(spec["properties"]).map((property) => {
    const { pushMethod, reportToCloud, visitors } = known.get(property["name"] ?? null) ?? {};
    return {
      ...property,
      ...(pushMethod === undefined ? {} : { pushMethod }),
      ...(reportToCloud === undefined ? {} : { reportToCloud }),
      ...(visitors === undefined || property["visitors"] !== undefined ? {} : { visitors }),
    };
  });
  return {
    ...spec,
    properties,
    ...(methods === undefined ? {} : { methods }),
    ...(stateReport === undefined ? {} : { stateReport }),
    ...(protocolConfigData === undefined ? {} : { protocolConfigData }),
  };
}

/** The status of an older Device without what is wanted there. */
function reportedStatus(device: JsonObject): JsonObject {
  const { twins: _, ...others } = at(device, "status");
  const twins = twinsOf(device).flatMap(({ desired: _desired, ...twin }) =>
    Object.keys(twin).some((name) => name !== "propertyName") ? [twin] : [],
  );
  return twins.length > 0 ? { ...others, twins } : others;
}

/** A stored status with the wanted values that older versions have there. */
function statusWith(status: JsonObject, wanted: readonly JsonObject[]): JsonObject {
  const { twins: _, ...others } = status;
  const reported = new Map(objects(status["twins"]).map((twin) => [twin["propertyName"], twin]));
  const named = wanted.map((twin) => ({ ...reported.get(twin["propertyName"]), ...twin }));
  const names = new Set(wanted.map((twin) => twin["propertyName"]));
  const twins = [...named, ...[...reported.values()].filter((twin) => !names.has(twin["propertyName"]))];
  return twins.length > 0 ? { ...others, twins } : others;
}

function withoutReports({ reported: _reported, observedDesired: _observed, ...twin }: JsonObject): JsonObject {
  return twin;
}

function statusMember(status: JsonObject): JsonObject {
  return Object.keys(status).length > 0 ? { status } : {};
}

function withAnnotations(object: JsonObject, annotations: JsonObject): JsonObject {
  const { status: _status, ...rest } = object;
  const { annotations: _annotations, ...metadata } = at(object, "metadata");
  return { ...rest, metadata: { ...metadata, ...(Object.keys(annotations).length > 0 ? { annotations } : {}) } };
}

function annotationsOf(object: JsonObject): JsonObject {
  return at(at(object, "metadata"), "annotations");
}

function twinsOf(device: JsonObject): JsonObject[] {
  return objects(at(device, "status")["twins"]);
}

function nanoseconds(property: JsonObject, name: "collectCycle" | "reportCycle"): JsonObject {
  const value = property[name];
  return typeof value === "number" ? { [name]: value * NANOSECONDS_PER_MILLISECOND } : {};
}

function bound(name: "minimum" | "maximum", value: JsonValue | undefined): JsonObject {
  const number = Number(value);
  return typeof value === "string" && value !== "" && Number.isFinite(number) ? { [name]: number } : {};
}

function parse(text: JsonValue | undefined): JsonObject | undefined {
  if (typeof text !== "string") return undefined;
  try {
    const value = JSON.parse(text) as JsonValue;
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined; // Somebody has changed the annotation; without it the form is made anew.
  }
}

function asJson({ spec, twins }: OlderForm): JsonObject {
  return { spec, ...(twins === undefined ? {} : { twins: [...twins] }) };
}

/** Whether two values are the same JSON, whatever the order of members. */
function sameJson(a: JsonValue, b: JsonValue): boolean {
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, index) => sameJson(item, b[index] ?? null));
  if (!isJsonObject(a) || !isJsonObject(b)) return a === b;
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && sameJson(a[name] ?? null, b[name] ?? null))
  );
}

function at(object: JsonObject, name: string): JsonObject {
  const value = object[name];
  return isJsonObject(value) ? value : {};
}

function objects(list: JsonValue | undefined): JsonObject[] {
  return Array.isArray(list) ? list.filter(isJsonObject) : [];
}
