import type { KubernetesObject, Status } from "@skerry/api";
import { isJsonObject, type JsonValue } from "@skerry/base";

/** The answer to a write: the object as it is now, or why it failed (wire.md 12.2). */
export type ObjectResponse =
  | { readonly kind: "object"; readonly object: KubernetesObject }
  | { readonly kind: "error"; readonly status: Status };

/** `{"Object", "Err"}`, both always there. Zero objects next to an error are KubeEdge's quirk; null serves the same. */
export function objectResponseContent(response: ObjectResponse): JsonValue {
  return response.kind === "object"
    ? { Object: asJson(response.object), Err: null }
    : { Object: null, Err: errorStatusContent(response.status) };
}

/** The content of a failed query: `{"ErrStatus": …}`; not kept as an object by anyone (wire.md W10). */
export function errorStatusContent(status: Status): JsonValue {
  const { kind: _kind, apiVersion: _apiVersion, ...rest } = status;
  return { ErrStatus: asJson(rest) };
}

/**
 * The failure that a content carries, in any of the wire's forms; undefined when it is none. An `Err` that is an empty
 * object (a Go error that lost its text, wire.md W11) is a failure with code 500, not success.
 */
export function errorStatusOf(content: JsonValue): Status | undefined {
  if (!isJsonObject(content)) return undefined;
  if ("ErrStatus" in content) return readStatus(content["ErrStatus"]);
  if (!isObjectResponse(content)) return undefined;
  const error = content["Err"];
  if (error === null || error === undefined) return undefined;
  return readStatus(isJsonObject(error) ? error["ErrStatus"] : error);
}

/** The object that a content carries, bare or inside an ObjectResp; undefined when there is none or it is a failure. */
export function objectOf(content: JsonValue): KubernetesObject | undefined {
  if (errorStatusOf(content) !== undefined) return undefined;
  const candidate = isJsonObject(content) && isObjectResponse(content) ? content["Object"] : content;
  if (!isJsonObject(candidate) || !isJsonObject(candidate["metadata"])) return undefined;
  return candidate as unknown as KubernetesObject;
}

/** Whether the content is an ObjectResp: exactly when both members are there (wire.md 12.2). */
export function isObjectResponse(content: JsonValue): boolean {
  return isJsonObject(content) && "Object" in content && "Err" in content;
}

function readStatus(value: JsonValue | undefined): Status {
  const status = isJsonObject(value) ? value : {};
  const code = typeof status["code"] === "number" ? status["code"] : 500;
  return {
    ...status,
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message: typeof status["message"] === "string" ? status["message"] : "the cloud answered an error without a text",
    reason: typeof status["reason"] === "string" ? status["reason"] : "InternalError",
    code,
  };
}

/** Typed objects are JSON by construction; TypeScript's interfaces have no index signature to show it. */
function asJson(value: object): JsonValue {
  return value as unknown as JsonValue;
}
