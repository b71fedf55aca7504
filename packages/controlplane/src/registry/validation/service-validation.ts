import type { JsonObject } from "@skerry/base";
import { numberAt, objectAt, objectsIn, textAt, textsIn } from "../api-object.ts";
import { duplicate, type FieldError, forbiddenField, invalidValue, required } from "../field-error.ts";
import { ipErrors } from "./address-validation.ts";
import { labelErrors, labelRule, nameErrors, subdomainRule } from "./name-rules.ts";
import { portErrors, portNumberErrors } from "./number-rules.ts";

/** Rules of a Service's spec, but for its ports of the nodes. */
export function validateService(spec: JsonObject, path: string): FieldError[] {
  const isName = spec["type"] === "ExternalName";
  const isHeadless = spec["clusterIP"] === "None";
  const addresses = textsIn(spec["clusterIPs"]);
  const ports = objectsIn(spec["ports"]);
  const names = new Set<string>();
  const pairs = new Set<string>();
  return [
    ...(ports.length === 0 && !isName && !isHeadless ? [required(`${path}.ports`)] : []),
    ...ports.flatMap((port, index) => [
      ...validatePort(port, `${path}.ports[${index}]`, ports.length > 1, names),
      ...pairErrors(port, `${path}.ports[${index}]`, pairs),
    ]),
    ...(isHeadless && spec["type"] === "LoadBalancer"
      ? [invalidValue(`${path}.clusterIPs[0]`, "None", "may not be set to 'None' for LoadBalancer services")]
      : []),
    ...(isHeadless && spec["type"] === "NodePort"
      ? [invalidValue(`${path}.clusterIPs[0]`, "None", "may not be set to 'None' for NodePort services")]
      : []),
    ...(isName ? nameOnlyErrors(spec, path) : []),
    ...(isName || isHeadless ? [] : addresses.flatMap((each, index) => ipErrors(`${path}.clusterIPs[${index}]`, each))),
    ...(Array.isArray(spec["externalIPs"]) ? spec["externalIPs"] : []).flatMap((ip, index) =>
      ipErrors(`${path}.externalIPs[${index}]`, String(ip)),
    ),
    ...labelErrors(objectAt(spec, "selector"), `${path}.selector`),
  ];
}

function nameOnlyErrors(spec: JsonObject, path: string): FieldError[] {
  const name = textAt(spec, "externalName").replace(/\.$/, "");
  return [
    ...(name === "" ? [required(`${path}.externalName`)] : nameErrors(subdomainRule, `${path}.externalName`, name)),
    ...["clusterIPs", "ipFamilies", "ipFamilyPolicy"]
      .filter(
        (member) => textAt(spec, member === "clusterIPs" ? "clusterIP" : member) || textsIn(spec[member]).length > 0,
      )
      .map((member) => forbiddenField(`${path}.${member}`, "may not be set for ExternalName services")),
  ];
}

function validatePort(port: JsonObject, path: string, needsName: boolean, names: Set<string>): FieldError[] {
  const errors: FieldError[] = [];
  const name = textAt(port, "name");
  if (name === "") {
    if (needsName) errors.push(required(`${path}.name`));
  } else {
    errors.push(...nameErrors(labelRule, `${path}.name`, name));
    if (names.has(name)) errors.push(duplicate(`${path}.name`, name));
    names.add(name);
  }
  const number = numberAt(port, "port");
  if (number !== undefined) errors.push(...portNumberErrors(`${path}.port`, number));
  return [...errors, ...portErrors(`${path}.targetPort`, port["targetPort"])];
}

function pairErrors(port: JsonObject, path: string, pairs: Set<string>): FieldError[] {
  const protocol = textAt(port, "protocol") || "TCP";
  const pair = `${protocol}/${numberAt(port, "port") ?? 0}`;
  if (pairs.has(pair)) return [duplicate(path, { protocol, port: port["port"] ?? 0 })];
  pairs.add(pair);
  return [];
}
