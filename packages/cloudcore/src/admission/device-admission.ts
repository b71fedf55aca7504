import { checkDevice, checkDeviceModel, type DeviceFinding, type DeviceModel } from "@skerry/api";
import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import { jsonEqual } from "@skerry/kube";
import type { EnrolmentResponse } from "../cloudhub/index.ts";
import { answerReview, type ReviewKind, type ReviewRequest } from "./review.ts";

/** Paths of the webhook, as KubeEdge's admission serves them (devices.md 2.5). */
export const ADMISSION_PATHS: ReadonlySet<string> = new Set(["/devices", "/devicemodels"]);
/** A review holds an object twice. Anyone may call, so a larger device is not looked at: the API server lets it pass. */
export const MAXIMUM_REVIEW_BYTES: number = 256 * 1024;

const REVIEW: ReviewKind = { apiVersion: "admission.k8s.io/v1", article: "an", kind: "AdmissionReview" };
const MAXIMUM_WARNINGS = 20;

/**
 * The admission webhook for devices and their models, `admission.k8s.io/v1`. Errors refuse a change of the spec, naming
 * the property; what is only suspicious is a warning, which kubectl shows.
 */
export class DeviceAdmission {
  readonly #modelOf: (namespace: string, name: string) => DeviceModel | undefined;

  /** `modelOf` answers from memory: the API server waits. */
  constructor(modelOf: (namespace: string, name: string) => DeviceModel | undefined) {
    this.#modelOf = modelOf;
  }

  /** Answers an HTTP request on one of {@link ADMISSION_PATHS}. */
  handle(request: ReviewRequest): EnrolmentResponse {
    return answerReview(REVIEW, request, (review) => this.#respond(request.path, review));
  }

  #respond(path: string, request: JsonObject): JsonObject {
    const findings = this.#check(path, request);
    const texts = (severity: DeviceFinding["severity"]): string[] =>
      findings.filter((finding) => finding.severity === severity).map(({ field, message }) => `${field}: ${message}`);
    const [errors, warnings] = [texts("error"), texts("warning").slice(0, MAXIMUM_WARNINGS)];
    return {
      allowed: errors.length === 0,
      ...(errors.length > 0 ? { status: { code: 422, reason: "Invalid", message: errors.join("; ") } } : {}),
      ...(warnings.length > 0 ? { warnings } : {}),
    };
  }

  #check(path: string, request: JsonObject): DeviceFinding[] {
    const { object, oldObject, operation, namespace } = request;
    if (operation !== "CREATE" && operation !== "UPDATE") return [];
    const spec = specOf(object);
    // Whoever writes only the status does not answer for the spec.
    if (isJsonObject(oldObject) && jsonEqual(spec ?? null, specOf(oldObject) ?? null)) return [];
    if (path === "/devicemodels") return checkDeviceModel(spec);
    const reference = isJsonObject(spec) ? spec["deviceModelRef"] : undefined;
    const name = isJsonObject(reference) ? reference["name"] : undefined;
    const model = typeof name === "string" ? this.#modelOf(String(namespace ?? ""), name) : undefined;
    return checkDevice(spec, model && ((model.spec ?? {}) as JsonObject));
  }
}

function specOf(object: JsonValue | undefined): JsonValue | undefined {
  return isJsonObject(object) ? object["spec"] : undefined;
}
