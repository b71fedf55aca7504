import { fromV1alpha2, OLDER_DEVICE_VERSION, toV1alpha2 } from "@skerry/api";
import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import type { EnrolmentRequest, EnrolmentResponse } from "../cloudhub/index.ts";

/** Path of the webhook. */
export const CONVERSION_PATH = "/convert";
/** A review has a page of a list in it, 500 objects at most as clients ask for them. Anyone may call. */
export const MAXIMUM_CONVERSION_BYTES: number = 4 * 1024 * 1024;

const GROUP = "devices.kubeedge.io";
const OLDER = `${GROUP}/${OLDER_DEVICE_VERSION}`;
const NEWER = `${GROUP}/v1beta1`;
const KINDS: ReadonlySet<JsonValue | undefined> = new Set(["Device", "DeviceModel"]);

/**
 * The conversion webhook for devices and their models, `apiextensions.k8s.io/v1`: lets a Kubernetes serve KubeEdge's
 * v1alpha2 beside v1beta1. The embedded control plane converts by itself.
 */
export function convertDevices({ method, body }: Pick<EnrolmentRequest, "method" | "body">): EnrolmentResponse {
  if (method !== "POST") return plain(405, "A ConversionReview is wanted here, by POST");
  const review = parse(body);
  const request = isJsonObject(review) ? review["request"] : undefined;
  if (!isJsonObject(request) || typeof request["uid"] !== "string" || !Array.isArray(request["objects"]))
    return plain(400, "This is no ConversionReview of apiextensions.k8s.io/v1");
  const { uid, desiredAPIVersion: wanted, objects } = request;
  const converted = objects.map((object) => convert(object, wanted));
  const refused = converted.indexOf(undefined);
  const outcome: JsonObject =
    refused < 0
      ? { result: { status: "Success" }, convertedObjects: converted.map((object) => object ?? null) }
      : { result: { status: "Failure", message: refusal(objects[refused], wanted) }, convertedObjects: [] };
  const answer = {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "ConversionReview",
    response: { uid, ...outcome },
  };
  return {
    status: 200,
    headers: { "content-type": "application/json" },
    body: new TextEncoder().encode(JSON.stringify(answer)),
  };
}

function convert(object: JsonValue, wanted: JsonValue | undefined): JsonObject | undefined {
  if (!isJsonObject(object) || !KINDS.has(object["kind"])) return undefined;
  const { apiVersion } = object;
  if (apiVersion === wanted) return object;
  if (apiVersion === OLDER && wanted === NEWER) return fromV1alpha2(object);
  if (apiVersion === NEWER && wanted === OLDER) return toV1alpha2(object);
  return undefined;
}

function refusal(object: JsonValue | undefined, wanted: JsonValue | undefined): string {
  const { apiVersion = "?", kind = "?" } = isJsonObject(object) ? object : {};
  return `CloudCore converts Devices and DeviceModels between ${OLDER} and ${NEWER}, not ${kind} of ${apiVersion} to ${wanted}`;
}

function parse(body: Uint8Array): JsonValue | undefined {
  try {
    return JSON.parse(new TextDecoder().decode(body)) as JsonValue;
  } catch {
    return undefined;
  }
}

function plain(status: number, text: string): EnrolmentResponse {
  return {
    status,
    headers: { "content-type": "text/plain; charset=utf-8" },
    body: new TextEncoder().encode(`${text}\n`),
  };
}
