import type { JsonObject } from "@skerry/base";
import { type ApiError, badRequest } from "@skerry/kube";
import type { ApiObject } from "./api-object.ts";
import { invalidValue } from "./field-error.ts";
import { checkBodyMetadata } from "./metadata.ts";
import type { RequestContext } from "./request-context.ts";
import type { Decoded, ResourceDefinition } from "./resource-definition.ts";
import { invalid } from "./status-errors.ts";
import { goMapText } from "./strict-patch-text.ts";

/** An error names so many unknown fields at most. */
const NAMED_UNKNOWN_FIELDS = 100;

/**
 * Reads an object of the definition's kind from a body; unknown members are treated as the context says. `patch` is
 * what brought them, when the body is the outcome of one.
 * @throws ApiError BadRequest, Invalid
 */
export function decodeBody(
  context: RequestContext,
  definition: ResourceDefinition,
  body: JsonObject,
  namespace: string,
  patch?: JsonObject,
): ApiObject {
  const { group, version, kind } = definition.reference;
  const apiVersion = group === "" ? version : `${group}/${version}`;
  requireKind(definition, body, apiVersion);
  const { object, unknown, mismatch } = definition.schema.decode({ ...body, apiVersion, kind });
  if (mismatch) throw unreadable(definition, mismatch, patch);
  reportUnknown(context, definition, unknown, patch);
  return checkBodyMetadata(definition, object, namespace);
}

/** Reads a configuration to apply. @throws ApiError BadRequest */
export function decodeConfiguration(
  definition: ResourceDefinition,
  config: JsonObject,
  namespace: string,
  name: string,
): JsonObject {
  const { group, version, kind } = definition.reference;
  const apiVersion = group === "" ? version : `${group}/${version}`;
  requireKind(definition, config, apiVersion);
  const { object, unknown, mismatch } = definition.schema.decodePart({ ...config, apiVersion, kind });
  if (mismatch) throw badRequest(mismatch.message);
  const [first] = unknown;
  if (first !== undefined)
    throw badRequest(
      `failed to create typed patch object (${namespace}/${name}; ${apiVersion}, Kind=${kind}): .${first}: field not declared in schema`,
    );
  const { metadata } = checkBodyMetadata(definition, object, namespace);
  if (metadata.name !== undefined && metadata.name !== "" && metadata.name !== name)
    throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`);
  metadata.name = name;
  return object;
}

/** A value of the wrong type: of the object that was sent, or brought by a patch. */
function unreadable(
  definition: ResourceDefinition,
  { message, type }: NonNullable<Decoded["mismatch"]>,
  patch: JsonObject | undefined,
): ApiError {
  if (patch === undefined) return badRequest(message);
  return invalid({ ...definition.reference, group: "", kind: "" }, "", [
    invalidValue("patch", goMapText(patch), `unrecognized type: ${type}`),
  ]);
}

function requireKind(definition: ResourceDefinition, body: JsonObject, apiVersion: string): void {
  const { kind } = definition.reference;
  if (body["kind"] !== undefined && body["kind"] !== "" && body["kind"] !== kind)
    throw badRequest(`the kind in the data (${String(body["kind"])}) does not match the expected kind (${kind})`);
  if (body["apiVersion"] !== undefined && body["apiVersion"] !== "" && body["apiVersion"] !== apiVersion)
    throw badRequest(
      `the API version in the data (${String(body["apiVersion"])}) does not match the expected API version (${apiVersion})`,
    );
}

function reportUnknown(
  context: RequestContext,
  definition: ResourceDefinition,
  unknown: readonly string[],
  patch: JsonObject | undefined,
): void {
  if (context.fieldValidation === "Ignore") return;
  const texts = [
    ...(context.duplicates ?? []).map((path) => `duplicate field "${path}"`),
    ...unknown.map((path) => `unknown field "${path}"`),
  ];
  if (texts.length === 0) return;
  if (context.fieldValidation === "Warn") {
    for (const text of texts) context.warnings.push(text);
    return;
  }
  const named = texts.slice(0, NAMED_UNKNOWN_FIELDS).join(", ");
  const message = `strict decoding error: ${named}${texts.length > NAMED_UNKNOWN_FIELDS ? ", …" : ""}`;
  const { kind, version } = definition.reference;
  if (patch === undefined)
    throw badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: ${message}`);
  throw invalid({ ...definition.reference, group: "", kind: "" }, "", [
    invalidValue("patch", goMapText(patch), message),
  ]);
}
