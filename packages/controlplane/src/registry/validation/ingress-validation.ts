import { isJsonObject, type JsonObject } from "@skerry/base";
import { parseIp } from "../../cel/ip-address.ts";
import { numberAt, objectAt, objectsIn, textAt } from "../api-object.ts";
import { type FieldError, invalidValue, required } from "../field-error.ts";
import { labelRule, nameErrors, portNameRule, subdomainRule } from "./name-rules.ts";
import { portNumberErrors } from "./number-rules.ts";

const WILDCARD = /^\*\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const WILDCARD_RULE =
  "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for validation is '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const PATH_PARTS = ["//", "/./", "/../", "%2f", "%2F"];
const PATH_ENDS = ["/..", "/."];

/** Rules of an Ingress's spec. */
export function validateIngress(spec: JsonObject, path: string): FieldError[] {
  const rules = objectsIn(spec["rules"]);
  const standard = spec["defaultBackend"];
  const errors: FieldError[] = [];
  if (rules.length === 0 && !isJsonObject(standard))
    errors.push(invalidValue(path, spec["rules"] ?? null, "either `defaultBackend` or `rules` must be specified"));
  if (isJsonObject(standard)) errors.push(...validateBackend(standard, `${path}.defaultBackend`));
  for (const [index, rule] of rules.entries()) errors.push(...validateRule(rule, `${path}.rules[${index}]`));
  for (const [index, tls] of objectsIn(spec["tls"]).entries())
    for (const [at, host] of (Array.isArray(tls["hosts"]) ? tls["hosts"] : []).entries())
      errors.push(...hostErrors(`${path}.tls[${index}].hosts[${at}]`, String(host)));
  const className = textAt(spec, "ingressClassName");
  if (className !== "") errors.push(...nameErrors(subdomainRule, `${path}.ingressClassName`, className));
  return errors;
}

function validateRule(rule: JsonObject, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const host = textAt(rule, "host");
  if (host !== "")
    errors.push(
      ...(parseIp(host)
        ? [invalidValue(`${path}.host`, host, "must be a DNS name, not an IP address")]
        : hostErrors(`${path}.host`, host)),
    );
  const http = rule["http"];
  if (!isJsonObject(http)) return errors;
  const paths = objectsIn(http["paths"]);
  if (paths.length === 0) errors.push(required(`${path}.http.paths`));
  for (const [index, one] of paths.entries()) {
    const at = `${path}.http.paths[${index}]`;
    errors.push(...pathErrors(one, `${at}.path`), ...validateBackend(objectAt(one, "backend"), `${at}.backend`));
  }
  return errors;
}

function pathErrors(one: JsonObject, at: string): FieldError[] {
  const path = textAt(one, "path");
  const isStrict = one["pathType"] === "Exact" || one["pathType"] === "Prefix";
  if (!path.startsWith("/"))
    return path === "" && !isStrict ? [] : [invalidValue(at, path, "must be an absolute path")];
  if (!isStrict) return [];
  return [
    ...PATH_PARTS.filter((part) => path.includes(part)).map((part) =>
      invalidValue(at, path, `must not contain '${part}'`),
    ),
    ...PATH_ENDS.filter((end) => path.endsWith(end)).map((end) => invalidValue(at, path, `cannot end with '${end}'`)),
  ];
}

function validateBackend(backend: JsonObject, path: string): FieldError[] {
  const service = backend["service"];
  const hasResource = isJsonObject(backend["resource"]);
  if (!isJsonObject(service))
    return hasResource ? [] : [invalidValue(path, "", "resource or service backend is required")];
  if (hasResource) return [invalidValue(path, "", "cannot set both resource and service backends")];
  const port = objectAt(service, "port");
  const [name, number] = [textAt(port, "name"), numberAt(port, "number") ?? 0];
  const serviceName = textAt(service, "name");
  const errors = serviceName === "" ? [] : nameErrors(labelRule, `${path}.service.name`, serviceName);
  if (name !== "" && number !== 0)
    return [...errors, invalidValue(path, "", "cannot set both port name & port number")];
  if (name !== "") return [...errors, ...nameErrors(portNameRule, `${path}.service.port.name`, name)];
  if (number !== 0) return [...errors, ...portNumberErrors(`${path}.service.port.number`, number)];
  return [...errors, required(path, "port name or number is required")];
}

function hostErrors(path: string, host: string): FieldError[] {
  if (!host.includes("*")) return nameErrors(subdomainRule, path, host);
  return WILDCARD.test(host) ? [] : [invalidValue(path, host, WILDCARD_RULE)];
}
