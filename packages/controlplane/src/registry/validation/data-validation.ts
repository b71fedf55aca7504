import type { JsonObject } from "@skerry/base";
import { objectAt, textAt } from "../api-object.ts";
import { type FieldError, invalidValue, tooLong } from "../field-error.ts";

/** What the values of a ConfigMap or Secret may have in all, in bytes. */
const DATA_LIMIT_BYTES = 1_048_576;
const KEY_RULE =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

/**
 * Keys and size of a ConfigMap or Secret.
 * @param members where its data is, by how it is written
 * @param sizePath what an error about the size names: in Kubernetes a Secret's data, and of a ConfigMap nothing
 */
export function validateData(
  object: JsonObject,
  members: Readonly<Record<string, "utf8" | "base64">>,
  sizePath: string,
): FieldError[] {
  const errors: FieldError[] = [];
  let sizeBytes = 0;
  for (const [member, encoding] of Object.entries(members)) {
    const data = objectAt(object, member);
    for (const key of Object.keys(data)) {
      errors.push(...dataKeyErrors(`${member}[${key}]`, key));
      sizeBytes += Buffer.byteLength(textAt(data, key), encoding);
    }
  }
  return sizeBytes > DATA_LIMIT_BYTES ? [...errors, tooLong(sizePath, DATA_LIMIT_BYTES)] : errors;
}

/** A key of a ConfigMap or Secret. */
export function dataKeyErrors(path: string, key: string): FieldError[] {
  const isGood = /^[-._a-zA-Z0-9]{1,253}$/.test(key) && key !== "." && !key.startsWith("..");
  return isGood ? [] : [invalidValue(path, key, KEY_RULE)];
}
