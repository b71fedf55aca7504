import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import { jsonEqual } from "@skerry/kube";
import { PatternCache } from "../cel/pattern-cache.ts";
import { objectAt, objectsIn, textAt, textsIn } from "../registry/api-object.ts";
import { type FieldError, forbiddenField, invalidValue, notSupported, required } from "../registry/field-error.ts";
import { CelRules } from "./cel-rules.ts";
import { validateStructural } from "./structural-validation.ts";

/** Most errors told of one definition. */
const ERROR_LIMIT = 50;
const LABEL = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const LABEL_RULE =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const COLUMN_TYPES = ["boolean", "date", "integer", "number", "string"];
const PROTECTED_GROUP = /(^|\.)(k8s|kubernetes)\.io$/;
const APPROVAL = "api-approved.kubernetes.io";

/** Checks a CustomResourceDefinition that is new or whose `spec` changes; worded as Kubernetes words it. */
export function validateDefinition(definition: JsonObject): FieldError[] {
  const spec = objectAt(definition, "spec");
  return [
    ...validateNames(definition, spec),
    ...validateVersions(spec),
    ...validateConversion(spec),
    ...validateSchemas(spec),
    ...validateStoredVersions(definition, spec),
  ].slice(0, ERROR_LIMIT);
}

function validateNames(definition: JsonObject, spec: JsonObject): FieldError[] {
  const errors: FieldError[] = [];
  const metadata = objectAt(definition, "metadata");
  const [name, group, names] = [textAt(metadata, "name"), textAt(spec, "group"), objectAt(spec, "names")];
  if (name !== `${textAt(names, "plural")}.${group}`)
    errors.push(invalidValue("metadata.name", name, `must be spec.names.plural+"."+spec.group`));
  if (PROTECTED_GROUP.test(group) && textAt(objectAt(metadata, "annotations"), APPROVAL) === "")
    errors.push(
      required(
        `metadata.annotations[${APPROVAL}]`,
        `protected groups must have approval annotation "${APPROVAL}", see https://github.com/kubernetes/enhancements/pull/1111`,
      ),
    );
  if (group === "") errors.push(required("spec.group"));
  else if (!group.includes("."))
    errors.push(invalidValue("spec.group", group, "should be a domain with at least one dot"));
  else if (!SUBDOMAIN.test(group)) errors.push(invalidValue("spec.group", group, "must be a DNS subdomain"));
  const { scope } = spec;
  if (scope === undefined || scope === "") errors.push(required("spec.scope"));
  else if (scope !== "Cluster" && scope !== "Namespaced")
    errors.push(notSupported("spec.scope", scope, ["Cluster", "Namespaced"]));
  for (const member of ["plural", "singular", "kind", "listKind"]) {
    const text = textAt(names, member);
    if (text === "") errors.push(required(`spec.names.${member}`));
    // Kinds may have capitals.
    else if (!isLabel(member.toLowerCase().endsWith("kind") ? text.toLowerCase() : text))
      errors.push(invalidValue(`spec.names.${member}`, text, LABEL_RULE));
  }
  for (const list of ["shortNames", "categories"])
    for (const [index, text] of textsIn(names[list]).entries())
      if (!isLabel(text)) errors.push(invalidValue(`spec.names.${list}[${index}]`, text, LABEL_RULE));
  if (names["kind"] !== undefined && names["kind"] === names["listKind"])
    errors.push(invalidValue("spec.names.listKind", names["listKind"], "kind and listKind may not be the same"));
  if (spec["preserveUnknownFields"] === true)
    errors.push(
      invalidValue(
        "spec.preserveUnknownFields",
        true,
        "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead",
      ),
    );
  return errors;
}

function validateVersions(spec: JsonObject): FieldError[] {
  const errors: FieldError[] = [];
  const versions = objectsIn(spec["versions"]);
  const names = versions.map((version) => textAt(version, "name"));
  for (const [index, version] of versions.entries()) {
    const path = `spec.versions[${index}]`;
    const [name = "", warning] = [names[index], version["deprecationWarning"]];
    if (!isLabel(name)) errors.push(invalidValue(`${path}.name`, name, LABEL_RULE));
    if (typeof warning === "string" && version["deprecated"] !== true)
      errors.push(invalidValue(`${path}.deprecationWarning`, warning, "can only be set for deprecated versions"));
    for (const [at, column] of objectsIn(version["additionalPrinterColumns"]).entries()) {
      const columnPath = `${path}.additionalPrinterColumns[${at}]`;
      if (textAt(column, "name") === "") errors.push(required(`${columnPath}.name`));
      if (!COLUMN_TYPES.includes(textAt(column, "type")))
        errors.push(
          invalidValue(`${columnPath}.type`, column["type"] ?? "", `must be one of ${COLUMN_TYPES.join(",")}`),
        );
      const { jsonPath } = column;
      if (typeof jsonPath !== "string" || jsonPath === "") errors.push(required(`${columnPath}.jsonPath`));
    }
  }
  if (new Set(names).size !== names.length)
    errors.push(invalidValue("spec.versions", names, "must contain unique version names"));
  if (versions.filter((version) => version["storage"] === true).length !== 1)
    errors.push(invalidValue("spec.versions", names, "must have exactly one version marked as storage version"));
  return errors;
}

function validateConversion(spec: JsonObject): FieldError[] {
  const conversion = objectAt(spec, "conversion");
  const [strategy, path] = [textAt(conversion, "strategy"), "spec.conversion"];
  if (strategy !== "None" && strategy !== "Webhook")
    return [notSupported(`${path}.strategy`, strategy, ["None", "Webhook"])];
  const { webhook } = conversion;
  if (strategy === "None")
    return webhook === undefined
      ? []
      : [forbiddenField(`${path}.webhook`, "should not be set when strategy is not set to Webhook")];
  const errors: FieldError[] = [];
  if (!isJsonObject(webhook) || !isJsonObject(webhook["clientConfig"]))
    errors.push(required(`${path}.webhookClientConfig`, "required when strategy is set to Webhook"));
  else if ((webhook["clientConfig"]["url"] === undefined) === (webhook["clientConfig"]["service"] === undefined))
    errors.push(required(`${path}.webhookClientConfig`, "exactly one of url or service is required"));
  const reviews = textsIn(isJsonObject(webhook) ? webhook["conversionReviewVersions"] : undefined);
  if (reviews.length === 0) errors.push(required(`${path}.conversionReviewVersions`));
  else if (!reviews.some((version) => version === "v1" || version === "v1beta1"))
    errors.push(invalidValue(`${path}.conversionReviewVersions`, reviews, "must include at least one of v1, v1beta1"));
  return errors;
}

/** Kubernetes keeps a schema that all versions share in one place, and names that in its errors. */
function validateSchemas(spec: JsonObject): FieldError[] {
  const patterns = new PatternCache();
  const schemas = objectsIn(spec["versions"]).map((version) => objectAt(version, "schema")["openAPIV3Schema"]);
  const isShared = schemas.every((schema) => jsonEqual(schema ?? null, schemas[0] ?? null));
  return (isShared ? schemas.slice(0, 1) : schemas).flatMap((schema, index) =>
    validateVersionSchema(schema, isShared ? "spec.validation" : `spec.versions[${index}].schema`, index, patterns),
  );
}

function validateVersionSchema(
  schema: JsonValue | undefined,
  path: string,
  index: number,
  patterns: PatternCache,
): FieldError[] {
  if (!isJsonObject(schema))
    return [required(`spec.versions[${index}].schema.openAPIV3Schema`, "schemas are required")];
  const errors = validateStructural(schema, `${path}.openAPIV3Schema`, patterns);
  for (const problem of new CelRules(schema).problemsIn())
    if (problem.kind === "syntax")
      errors.push(
        invalidValue(`${path}.${problem.path}`, problem.text, `compilation failed: ERROR: ${problem.reason}`),
      );
  return errors;
}

/** A version in which objects are stored cannot go. */
function validateStoredVersions(definition: JsonObject, spec: JsonObject): FieldError[] {
  const names = objectsIn(spec["versions"]).map((version) => textAt(version, "name"));
  return textsIn(objectAt(definition, "status")["storedVersions"]).flatMap((stored, index) =>
    names.includes(stored)
      ? []
      : [invalidValue(`status.storedVersions[${index}]`, stored, "must appear in spec.versions")],
  );
}

function isLabel(text: string): boolean {
  return text.length <= 63 && LABEL.test(text);
}
