import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import { missingVisitorKeys } from "./visitor-keys.ts";

/** What is wrong, or suspicious, with a Device or DeviceModel; named as `kubectl` shows it. */
export interface DeviceFinding {
  /** An error refuses the object; a warning is only told. */
  readonly severity: "error" | "warning";
  /** Path of the member, e.g. `spec.properties[1].desired.value`. */
  readonly field: string;
  /** Names the property. */
  readonly message: string;
}

/** Values of these types are numbers; the others are any text. */
const INTEGER = /^[+-]?\d+$/;
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
const DAY_MS = 24 * 3_600_000;

/** Checks a DeviceModel's spec by itself (devices.md 2.1, 2.5). */
export function checkDeviceModel(spec: JsonValue | undefined): DeviceFinding[] {
  const findings: DeviceFinding[] = [];
  for (const { property, field, name } of named(spec, findings)) {
    const type = typeof property["type"] === "string" ? property["type"] : "STRING";
    for (const bound of ["minimum", "maximum"] as const) {
      const value = property[bound];
      if (typeof value !== "string" || value === "") continue;
      if (!isNumber(type))
        findings.push(warning(`${field}.${bound}`, `property ${name} is no number, so this has no effect`));
      else if (!fits(type, value))
        findings.push(error(`${field}.${bound}`, `${quoted(value)} of property ${name} is not of its type ${type}`));
    }
    const [minimum, maximum] = [numberOf(property["minimum"]), numberOf(property["maximum"])];
    if (minimum !== undefined && maximum !== undefined && minimum > maximum)
      findings.push(error(`${field}.minimum`, `of property ${name} is greater than its maximum`));
  }
  return findings;
}

/**
 * Checks a Device's spec against its model's; `model` is undefined while there is none of that name. KubeEdge's tutorials
 * apply devices before models, so that is no error: the node holds desired values back until the model comes.
 */
export function checkDevice(spec: JsonValue | undefined, model: JsonValue | undefined): DeviceFinding[] {
  const findings: DeviceFinding[] = [];
  const modelName = textAt(objectAt(spec, "deviceModelRef"), "name");
  const modelProperties = new Map(named(model, []).map(({ name, property }) => [name, property]));
  if (modelName === "") findings.push(warning("spec.deviceModelRef.name", "without a model nothing is checked"));
  else if (model === undefined)
    findings.push(warning("spec.deviceModelRef.name", `there is no DeviceModel ${quoted(modelName)} here yet`));
  const protocol = textAt(objectAt(spec, "protocol"), "protocolName");
  const modelProtocol = isJsonObject(model) ? textAt(model, "protocol") : "";
  if (protocol !== "" && modelProtocol !== "" && protocol !== modelProtocol)
    findings.push(
      warning("spec.protocol.protocolName", `${quoted(protocol)} differs from the model's ${quoted(modelProtocol)}`),
    );
  for (const { property, field, name } of named(spec, findings)) {
    const template = modelProperties.get(name);
    if (model !== undefined && modelName !== "" && template === undefined)
      findings.push(error(`${field}.name`, `the DeviceModel ${quoted(modelName)} has no property ${name}`));
    checkDesired(property, template, field, name, findings);
    checkCycles(property, field, name, findings);
    checkVisitor(property, template, protocol, field, name, findings);
  }
  checkMethods(spec, findings);
  return findings;
}

function checkDesired(
  property: JsonObject,
  template: JsonObject | undefined,
  field: string,
  name: string,
  findings: DeviceFinding[],
): void {
  const value = textAt(objectAt(property, "desired"), "value");
  if (value === "" || template === undefined) return;
  const at = `${field}.desired.value`;
  const type = typeof template["type"] === "string" ? template["type"] : "STRING";
  if (template["accessMode"] === "ReadOnly") findings.push(error(at, `property ${name} is read-only in its model`));
  if (!fits(type, value)) {
    findings.push(error(at, `${quoted(value)} of property ${name} is not of its type ${type}`));
    return;
  }
  const [minimum, maximum] = [numberOf(template["minimum"]), numberOf(template["maximum"])];
  if (!isNumber(type)) return;
  if ((minimum !== undefined && Number(value) < minimum) || (maximum !== undefined && Number(value) > maximum))
    findings.push(
      error(at, `${value} of property ${name} is outside ${minimum ?? "…"} to ${maximum ?? "…"}, its model's range`),
    );
}

function checkCycles(property: JsonObject, field: string, name: string, findings: DeviceFinding[]): void {
  for (const cycle of ["collectCycle", "reportCycle"] as const) {
    const value = property[cycle];
    if (typeof value !== "number") continue;
    if (value < 0) findings.push(error(`${field}.${cycle}`, `of property ${name} is negative`));
    if (value > DAY_MS)
      findings.push(
        warning(
          `${field}.${cycle}`,
          `${value} of property ${name} is more than a day in milliseconds; it is taken for nanoseconds`,
        ),
      );
  }
}

function checkVisitor(
  property: JsonObject,
  template: JsonObject | undefined,
  protocol: string,
  field: string,
  name: string,
  findings: DeviceFinding[],
): void {
  const own = objectAt(property, "visitors");
  const inherited = objectAt(template, "visitors");
  const visitorProtocol = textAt(own, "protocolName") || textAt(inherited, "protocolName") || protocol;
  const configData = { ...objectAt(inherited, "configData"), ...objectAt(own, "configData") };
  const missing = missingVisitorKeys(visitorProtocol, configData);
  if (missing.length > 0)
    findings.push(
      warning(
        `${field}.visitors.configData`,
        `property ${name} lacks ${missing.join(", ")} for the protocol ${visitorProtocol}`,
      ),
    );
}

function checkMethods(spec: JsonValue | undefined, findings: DeviceFinding[]): void {
  const methods = isJsonObject(spec) ? spec["methods"] : undefined;
  if (!Array.isArray(methods)) return;
  const known = new Set(named(spec, []).map(({ name }) => name));
  for (const [index, method] of methods.entries()) {
    const names = isJsonObject(method) ? method["propertyNames"] : undefined;
    if (!Array.isArray(names)) continue;
    for (const name of names)
      if (typeof name === "string" && !known.has(name))
        findings.push(warning(`spec.methods[${index}].propertyNames`, `there is no property ${name}`));
  }
}

/** The properties that have a name; what is wrong with names goes to the findings. */
function named(
  spec: JsonValue | undefined,
  findings: DeviceFinding[],
): { readonly property: JsonObject; readonly field: string; readonly name: string }[] {
  const properties = isJsonObject(spec) ? spec["properties"] : undefined;
  if (!Array.isArray(properties)) return [];
  const seen = new Set<string>();
  return properties.flatMap((property, index) => {
    const field = `spec.properties[${index}]`;
    if (!isJsonObject(property)) return [];
    const name = textAt(property, "name");
    if (name === "") findings.push(error(`${field}.name`, "a property has no name"));
    // KubeEdge's words, and which one it is.
    if (seen.has(name)) findings.push(error(`${field}.name`, `property names must be unique: ${name} is there twice`));
    seen.add(name);
    return name === "" ? [] : [{ property, field, name }];
  });
}

function isNumber(type: string): boolean {
  return type === "INT" || type === "FLOAT" || type === "DOUBLE";
}

function fits(type: string, value: string): boolean {
  if (type === "INT") return INTEGER.test(value);
  if (type === "FLOAT" || type === "DOUBLE") return DECIMAL.test(value);
  return type !== "BOOLEAN" || value === "true" || value === "false";
}

function numberOf(value: JsonValue | undefined): number | undefined {
  return typeof value === "string" && DECIMAL.test(value) ? Number(value) : undefined;
}

function objectAt(value: JsonValue | undefined, member: string): JsonObject | undefined {
  const found = isJsonObject(value) ? value[member] : undefined;
  return isJsonObject(found) ? found : undefined;
}

function textAt(value: JsonObject | undefined, member: string): string {
  const found = value?.[member];
  return typeof found === "string" ? found : "";
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}

function error(field: string, message: string): DeviceFinding {
  return { severity: "error", field, message };
}

function warning(field: string, message: string): DeviceFinding {
  return { severity: "warning", field, message };
}
