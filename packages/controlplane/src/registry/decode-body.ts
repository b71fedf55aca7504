import type { JsonObject } from "@skerry/base";
import { badRequest } from "@skerry/kube";
import type { ApiObject } from "./api-object.ts";
import { invalidValue } from "./field-error.ts";
import { checkBodyMetadata } from "./metadata.ts";
import type { RequestContext } from "./request-context.ts";
import type { ResourceDefinition } from "./resource-definition.ts";
import { invalid } from "./status-errors.ts";
import { goMapText } from "./strict-patch-text.ts";

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
  if (body["kind"] !== kind || body["apiVersion"] !== apiVersion) {
    if (body["kind"] !== undefined && body["kind"] !== "" && body["kind"] !== kind)
      throw badRequest(`the kind in the data (${String(body["kind"])}) does not match the expected kind (${kind})`);
    if (body["apiVersion"] !== undefined && body["apiVersion"] !== "" && body["apiVersion"] !== apiVersion)
      throw badRequest(
        `the API version in the data (${String(body["apiVersion"])}) does not match the expected API version (${apiVersion})`,
      );
  }
  const { object, unknown } = definition.schema.decode({ ...body, apiVersion, kind });
  reportUnknown(context, definition, unknown, patch);
  return checkBodyMetadata(definition, object, namespace);
}

function reportUnknown(
  context: RequestContext,
  definition: ResourceDefinition,
  unknown: readonly string[],
  patch: JsonObject | undefined,
): void {
  if (unknown.length === 0 || context.fieldValidation === "Ignore") return;
  const texts = unknown.map((path) => `unknown field "${path}"`);
  if (context.fieldValidation === "Warn") {
    context.warnings.push(...texts);
    return;
  }
  const message = `strict decoding error: ${texts.join(", ")}`;
  const { kind, version } = definition.reference;
  if (patch === undefined)
    throw badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: ${message}`);
  throw invalid({ ...definition.reference, group: "", kind: "" }, "", [
    invalidValue("patch", goMapText(patch), message),
  ]);
}
