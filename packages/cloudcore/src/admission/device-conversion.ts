import { fromOlderDevice, OLDER_DEVICE_VERSIONS, toOlderDevice } from "@skerry/api";
import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import type { EnrolmentResponse } from "../cloudhub/index.ts";
import { answerReview, type ReviewKind, type ReviewRequest } from "./review.ts";

/** Path of the webhook. */
export const CONVERSION_PATH = "/convert";
/** A review has a page of a list in it, 500 objects at most as clients ask for them. Anyone may call. */
export const MAXIMUM_CONVERSION_BYTES: number = 4 * 1024 * 1024;

const GROUP = "devices.kubeedge.io";
const NEWEST = "v1beta1";
const VERSIONS: readonly string[] = [NEWEST, ...OLDER_DEVICE_VERSIONS];
const REVIEW: ReviewKind = { apiVersion: "apiextensions.k8s.io/v1", article: "a", kind: "ConversionReview" };
const KINDS: ReadonlySet<JsonValue | undefined> = new Set(["Device", "DeviceModel"]);

/**
 * The conversion webhook for devices and their models, `apiextensions.k8s.io/v1`: lets a Kubernetes serve KubeEdge's
 * older versions beside v1beta1. The embedded control plane converts by itself.
 */
export function convertDevices(request: Pick<ReviewRequest, "method" | "body">): EnrolmentResponse {
  return answerReview(REVIEW, request, ({ desiredAPIVersion: wanted, objects }) => {
    if (!Array.isArray(objects)) return undefined;
    const converted = objects.map((object) => convert(object, wanted));
    const refused = converted.indexOf(undefined);
    return refused < 0
      ? { result: { status: "Success" }, convertedObjects: converted.map((object) => object ?? null) }
      : { result: { status: "Failure", message: refusal(objects[refused], wanted) }, convertedObjects: [] };
  });
}

function convert(object: JsonValue, wanted: JsonValue | undefined): JsonObject | undefined {
  if (!isJsonObject(object) || !KINDS.has(object["kind"])) return undefined;
  const [from, to] = [versionOf(object["apiVersion"]), versionOf(wanted)];
  if (from === undefined || to === undefined) return undefined;
  if (from === to) return object;
  const newest = from === NEWEST ? object : fromOlderDevice(object);
  return to === NEWEST ? newest : toOlderDevice(newest, to);
}

/** The version in an `apiVersion` of the group; undefined for others than those that are converted. */
function versionOf(apiVersion: JsonValue | undefined): string | undefined {
  return VERSIONS.find((version) => apiVersion === `${GROUP}/${version}`);
}

function refusal(object: JsonValue | undefined, wanted: JsonValue | undefined): string {
  const { apiVersion = "?", kind = "?" } = isJsonObject(object) ? object : {};
  return `CloudCore converts Devices and DeviceModels of ${GROUP} between ${VERSIONS.join(", ")}, not ${kind} of ${apiVersion} to ${wanted}`;
}
