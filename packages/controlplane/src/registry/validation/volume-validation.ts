import { isJsonObject, type JsonObject } from "@skerry/base";
import { numberAt, objectAt, objectsIn, textAt } from "../api-object.ts";
import { duplicate, type FieldError, forbiddenField, invalidValue, required } from "../field-error.ts";
import { FILE_FIELDS, validateFieldRef, validateResourceFieldRef } from "./downward-validation.ts";
import { labelRule, nameErrors } from "./name-rules.ts";
import { resourceAmounts } from "./resource-validation.ts";

const MODE_LIMIT = 0o777;
const MODE_RULE = "must be a number between 0 and 0777 (octal), both inclusive";

/** Rules of a pod's volumes. @param names where theirs are added */
export function validateVolumes(spec: JsonObject, path: string, names: Set<string>): FieldError[] {
  return objectsIn(spec["volumes"]).flatMap((volume, index) => {
    const at = `${path}.volumes[${index}]`;
    const errors: FieldError[] = [];
    const name = textAt(volume, "name");
    if (name !== "") errors.push(...nameErrors(labelRule, `${at}.name`, name));
    if (names.has(name)) errors.push(duplicate(`${at}.name`, name));
    names.add(name);
    const [first, ...more] = Object.keys(volume).filter((member) => member !== "name");
    const source = volume[first ?? ""];
    if (first !== undefined && isJsonObject(source)) errors.push(...sourceErrors(first, source, `${at}.${first}`));
    for (const second of more)
      errors.push(forbiddenField(`${at}.${second}`, "may not specify more than 1 volume type"));
    return errors;
  });
}

function sourceErrors(kind: string, source: JsonObject, path: string): FieldError[] {
  switch (kind) {
    case "secret":
      return [
        ...(textAt(source, "secretName") === "" ? [required(`${path}.secretName`)] : []),
        ...modeErrors(source, path, "defaultMode"),
        ...itemErrors(source, path),
      ];
    case "configMap":
      return [
        ...(textAt(source, "name") === "" ? [required(`${path}.name`)] : []),
        ...modeErrors(source, path, "defaultMode"),
        ...itemErrors(source, path),
      ];
    case "downwardAPI":
      return [...modeErrors(source, path, "defaultMode"), ...fileErrors(source, path)];
    case "projected":
      return [
        ...modeErrors(source, path, "defaultMode"),
        ...objectsIn(source["sources"]).flatMap((part, index) => projectionErrors(part, `${path}.sources[${index}]`)),
      ];
    case "hostPath":
      return backstepErrors(textAt(source, "path"), `${path}.path`);
    case "emptyDir":
      return resourceAmounts({ sizeLimit: source["sizeLimit"] ?? "0" })
        .filter(({ nano }) => nano < 0n)
        .map(() => forbiddenField(`${path}.sizeLimit`, "SizeLimit field must be a valid resource quantity"));
    default:
      return [];
  }
}

function projectionErrors(part: JsonObject, path: string): FieldError[] {
  const [first, ...more] = Object.keys(part);
  if (first === undefined) return [];
  const source = objectAt(part, first);
  const at = `${path}.${first}`;
  return [
    ...(first === "secret" || first === "configMap"
      ? [...(textAt(source, "name") === "" ? [required(`${at}.name`)] : []), ...itemErrors(source, at)]
      : []),
    ...(first === "downwardAPI" ? fileErrors(source, at) : []),
    ...(first === "serviceAccountToken" ? tokenErrors(source, at) : []),
    ...more.map((second) => forbiddenField(`${path}.${second}`, "may not specify more than 1 volume type")),
  ];
}

/** The shortest life of a token, in seconds. */
const TOKEN_SECONDS_LEAST = 600;

function tokenErrors(source: JsonObject, path: string): FieldError[] {
  const seconds = numberAt(source, "expirationSeconds");
  return [
    ...(seconds !== undefined && seconds < TOKEN_SECONDS_LEAST
      ? [invalidValue(`${path}.expirationSeconds`, seconds, "may not specify a duration less than 10 minutes")]
      : []),
    ...localPathErrors(textAt(source, "path"), `${path}.path`),
  ];
}

function itemErrors(source: JsonObject, path: string): FieldError[] {
  return objectsIn(source["items"]).flatMap((item, index) => {
    const at = `${path}.items[${index}]`;
    return [...localPathErrors(textAt(item, "path"), `${at}.path`), ...modeErrors(item, at, "mode")];
  });
}

function fileErrors(source: JsonObject, path: string): FieldError[] {
  return objectsIn(source["items"]).flatMap((item, index) => {
    const at = `${path}.items[${index}]`;
    const [field, resource] = [item["fieldRef"], item["resourceFieldRef"]];
    return [
      ...localPathErrors(textAt(item, "path"), `${at}.path`),
      ...(isJsonObject(field) ? validateFieldRef(field, `${at}.fieldRef`, FILE_FIELDS) : []),
      ...(isJsonObject(field) && isJsonObject(resource)
        ? [invalidValue(at, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously")]
        : []),
      ...(!isJsonObject(field) && isJsonObject(resource)
        ? validateResourceFieldRef(resource, `${at}.resourceFieldRef`, true)
        : []),
      ...(isJsonObject(field) || isJsonObject(resource)
        ? []
        : [required(at, "one of fieldRef and resourceFieldRef is required")]),
      ...modeErrors(item, at, "mode"),
    ];
  });
}

/** A path within a volume: it stays there. */
export function localPathErrors(path: string, at: string): FieldError[] {
  return [
    ...(path.startsWith("/") ? [invalidValue(at, path, "must be a relative path")] : []),
    ...backstepErrors(path, at),
    ...(path.startsWith("..") && !path.startsWith("../") ? [invalidValue(at, path, "must not start with '..'")] : []),
  ];
}

/** A path that never goes up. */
export function backstepErrors(path: string, at: string): FieldError[] {
  return path.split("/").includes("..") ? [invalidValue(at, path, "must not contain '..'")] : [];
}

function modeErrors(holder: JsonObject, path: string, member: string): FieldError[] {
  const mode = numberAt(holder, member);
  return mode !== undefined && (mode < 0 || mode > MODE_LIMIT)
    ? [invalidValue(`${path}.${member}`, mode, MODE_RULE)]
    : [];
}
