import { isJsonObject, type JsonObject } from "@skerry/base";
import { objectsIn, textAt } from "../api-object.ts";
import { type FieldError, invalidValue, required } from "../field-error.ts";
import { dataKeyErrors } from "./data-validation.ts";
import { ENV_FIELDS, validateFieldRef, validateResourceFieldRef } from "./downward-validation.ts";

const NAME_RULE = "a valid environment variable name must consist only of printable ASCII characters other than '='";
const SOURCES = ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"] as const;
const ONLY_ONE = "may not have more than one field specified at a time";

/** Rules of a container's environment. */
export function validateEnv(container: JsonObject, path: string): FieldError[] {
  return [
    ...objectsIn(container["env"]).flatMap((variable, index) => validateVariable(variable, `${path}.env[${index}]`)),
    ...objectsIn(container["envFrom"]).flatMap((source, index) => validateEnvFrom(source, `${path}.envFrom[${index}]`)),
  ];
}

function validateVariable(variable: JsonObject, path: string): FieldError[] {
  const from = variable["valueFrom"];
  return [
    ...envNameErrors(`${path}.name`, textAt(variable, "name")),
    ...(isJsonObject(from) ? validateSource(from, textAt(variable, "value"), `${path}.valueFrom`) : []),
  ];
}

function validateSource(from: JsonObject, value: string, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const given = SOURCES.filter((member) => isJsonObject(from[member]));
  for (const member of given) {
    const source = from[member];
    if (isJsonObject(source)) errors.push(...sourceErrors(member, source, `${path}.${member}`));
  }
  if (given.length === 0)
    errors.push(
      invalidValue(
        path,
        "",
        "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`",
      ),
    );
  else if (value !== "") errors.push(invalidValue(path, "", "may not be specified when `value` is not empty"));
  else if (given.length > 1) errors.push(invalidValue(path, "", ONLY_ONE));
  return errors;
}

function sourceErrors(member: (typeof SOURCES)[number], source: JsonObject, path: string): FieldError[] {
  switch (member) {
    case "fieldRef":
      return validateFieldRef(source, path, ENV_FIELDS);
    case "resourceFieldRef":
      return validateResourceFieldRef(source, path);
    case "configMapKeyRef":
    case "secretKeyRef": {
      const key = textAt(source, "key");
      // The missing key is told by the type table, which requires it.
      return [
        ...(textAt(source, "name") === "" ? [required(`${path}.name`)] : []),
        ...(key === "" ? [] : dataKeyErrors(`${path}.key`, key)),
      ];
    }
    case "fileKeyRef":
      return [];
  }
}

function validateEnvFrom(source: JsonObject, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const prefix = textAt(source, "prefix");
  if (prefix !== "") errors.push(...envNameErrors(`${path}.prefix`, prefix));
  const given = ["configMapRef", "secretRef"].filter((member) => isJsonObject(source[member]));
  for (const member of given) {
    const reference = source[member];
    if (isJsonObject(reference) && textAt(reference, "name") === "") errors.push(required(`${path}.${member}.name`));
  }
  // In Kubernetes both errors name the list, not the entry.
  const list = path.slice(0, path.lastIndexOf("["));
  if (given.length === 0) errors.push(invalidValue(list, "", "must specify one of: `configMapRef` or `secretRef`"));
  else if (given.length > 1) errors.push(invalidValue(list, "", ONLY_ONE));
  return errors;
}

function envNameErrors(path: string, name: string): FieldError[] {
  return name === "" || /^[ -<>-~]+$/.test(name) ? [] : [invalidValue(path, name, NAME_RULE)];
}
