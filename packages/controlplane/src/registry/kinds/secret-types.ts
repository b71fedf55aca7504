import { fromBase64, type JsonObject } from "@skerry/base";
import { objectAt, textAt } from "../api-object.ts";
import { type FieldError, invalidValue, required } from "../field-error.ts";

const ACCOUNT_NAME = "kubernetes.io/service-account.name";
const REDACTED = "<secret contents redacted>";

/** What a Secret of one of Kubernetes' own types lacks. */
export function secretTypeErrors(secret: JsonObject): FieldError[] {
  const data = objectAt(secret, "data");
  const missing = (...keys: string[]): FieldError[] =>
    keys.filter((key) => data[key] === undefined).map((key) => required(`data[${key}]`));
  switch (secret["type"]) {
    case "kubernetes.io/service-account-token": {
      const annotations = objectAt(objectAt(secret, "metadata"), "annotations");
      return textAt(annotations, ACCOUNT_NAME) === "" ? [required(`metadata.annotations[${ACCOUNT_NAME}]`)] : [];
    }
    case "kubernetes.io/dockercfg":
      return [...missing(".dockercfg"), ...jsonErrors(data, ".dockercfg")];
    case "kubernetes.io/dockerconfigjson":
      return [...missing(".dockerconfigjson"), ...jsonErrors(data, ".dockerconfigjson")];
    case "kubernetes.io/basic-auth": {
      const errors = missing("username", "password");
      return errors.length === 2 ? errors : [];
    }
    case "kubernetes.io/ssh-auth":
      return textAt(data, "ssh-privatekey") === "" ? [required("data[ssh-privatekey]")] : [];
    case "kubernetes.io/tls":
      return missing("tls.crt", "tls.key");
    default:
      return [];
  }
}

function jsonErrors(data: JsonObject, key: string): FieldError[] {
  const encoded = data[key];
  if (typeof encoded !== "string") return [];
  try {
    JSON.parse(new TextDecoder().decode(fromBase64(encoded)));
    return [];
  } catch {
    // What is wrong with it would quote it.
    return [invalidValue(`data[${key}]`, REDACTED, "it is no JSON")];
  }
}
