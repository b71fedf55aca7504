import { fromBase64, isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import { ApiError } from "@skerry/kube";
import { type ApiObject, asJsonObject, numberAt, objectAt, textAt } from "../../registry/api-object.ts";
import type { RequestContext } from "../../registry/request-context.ts";
import type { ResourceDefinition } from "../../registry/resource-definition.ts";
import type { ReviewedWrite } from "./reviewed-write.ts";

/** The kinds of what is posted to subresources, or read through them in another form than the object's own. */
const SUBRESOURCE_KINDS: Readonly<Record<string, JsonObject>> = {
  attach: { group: "", version: "v1", kind: "PodAttachOptions" },
  binding: { group: "", version: "v1", kind: "Binding" },
  eviction: { group: "policy", version: "v1", kind: "Eviction" },
  exec: { group: "", version: "v1", kind: "PodExecOptions" },
  portforward: { group: "", version: "v1", kind: "PodPortForwardOptions" },
  scale: { group: "autoscaling", version: "v1", kind: "Scale" },
  token: { group: "authentication.k8s.io", version: "v1", kind: "TokenRequest" },
};

/** A write in the form that a webhook sees it. */
export interface ReviewForm {
  readonly definition: ResourceDefinition;
  readonly object: ApiObject | undefined;
  readonly previous: ApiObject | undefined;
}

/** What a webhook has to say. */
export type ReviewAnswer =
  | { readonly allowed: true; readonly patch: JsonValue | undefined; readonly warnings: readonly string[] }
  | { readonly allowed: false; readonly denial: ApiError; readonly warnings: readonly string[] };

/** The `request` of an AdmissionReview, v1 or v1beta1, which are alike. */
export function reviewRequest(
  uid: string,
  write: ReviewedWrite,
  form: ReviewForm,
  { user, dryRun, fieldManager }: RequestContext,
): JsonObject {
  const { operation, definition, subresource, namespace, name } = write;
  const kindOf = ({ reference: { group, version, kind } }: ResourceDefinition): JsonObject => ({
    ...(SUBRESOURCE_KINDS[subresource] ?? { group, version, kind }),
  });
  const resourceOf = ({ reference: { group, version, resource } }: ResourceDefinition): JsonObject => ({
    group,
    version,
    resource,
  });
  const isNamespace = definition.storageKey === "/namespaces";
  return {
    uid,
    kind: kindOf(form.definition),
    resource: resourceOf(form.definition),
    ...(subresource === "" ? {} : { subResource: subresource }),
    requestKind: kindOf(definition),
    requestResource: resourceOf(definition),
    ...(subresource === "" ? {} : { requestSubResource: subresource }),
    ...(name === "" ? {} : { name }),
    ...(isNamespace ? { namespace: name } : namespace === "" ? {} : { namespace }),
    operation,
    userInfo: {
      username: user.username,
      ...(user.uid === undefined ? {} : { uid: user.uid }),
      groups: [...user.groups],
      ...(user.extra ? { extra: structuredClone(user.extra) as unknown as JsonObject } : {}),
    },
    object: form.object ? asJsonObject(form.object) : null,
    oldObject: form.previous ? asJsonObject(form.previous) : null,
    dryRun,
    options:
      operation === "CONNECT"
        ? null
        : {
            kind: `${operation.slice(0, 1)}${operation.slice(1).toLowerCase()}Options`,
            apiVersion: "meta.k8s.io/v1",
            ...(dryRun ? { dryRun: ["All"] } : {}),
            ...(operation === "DELETE" || fieldManager === "" ? {} : { fieldManager }),
          },
  };
}

/**
 * Reads what a webhook answered.
 * @throws Error when it is no answer to the review `uid`, worded as a kube-apiserver words it
 */
export function readReview(text: string, version: string, uid: string, webhookName: string): ReviewAnswer {
  const review = parse(text);
  const wanted = `admission.k8s.io/${version}`;
  const [apiVersion, kind] = [textAt(review, "apiVersion"), textAt(review, "kind")];
  // The older version did not ask for it.
  const isUntyped = version === "v1beta1" && apiVersion === "" && kind === "";
  if (!isUntyped && (apiVersion !== wanted || kind !== "AdmissionReview"))
    throw invalidAnswer(
      `expected webhook response of ${wanted}, Kind=AdmissionReview, got ${apiVersion}, Kind=${kind}`,
    );
  if (!isJsonObject(review["response"])) throw invalidAnswer("webhook response was absent");
  const response = review["response"];
  const own = textAt(response, "uid");
  if (version === "v1" && own !== uid)
    throw invalidAnswer(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(own)}`);
  const { warnings } = response;
  const told = Array.isArray(warnings) ? warnings.filter((item) => typeof item === "string") : [];
  if (response["allowed"] !== true) return { allowed: false, denial: denialOf(webhookName, response), warnings: told };
  return { allowed: true, patch: patchOf(response, version), warnings: told };
}

function parse(text: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error(`failed to call webhook: couldn't get version/kind; json parse error: ${text.slice(0, 100)}`);
  }
  if (isJsonObject(value)) return value;
  throw new Error("failed to call webhook: couldn't get version/kind; json parse error: not an object");
}

function patchOf(response: JsonObject, version: string): JsonValue | undefined {
  const patch = textAt(response, "patch");
  const type = textAt(response, "patchType");
  if (patch === "") {
    if (type !== "" && version === "v1")
      throw invalidAnswer("webhook returned response.patchType but not response.patch");
    return undefined;
  }
  if (type === "" && version === "v1")
    throw invalidAnswer("webhook returned response.patch but not response.patchType");
  if (type !== "JSONPatch" && version === "v1")
    throw invalidAnswer(`webhook returned invalid response.patchType of ${JSON.stringify(type)}`);
  try {
    return JSON.parse(new TextDecoder().decode(fromBase64(patch))) as JsonValue;
  } catch {
    throw invalidAnswer("response.patch is no JSON in base64");
  }
}

function denialOf(webhookName: string, response: JsonObject): ApiError {
  const status = objectAt(response, "status");
  const by = `admission webhook ${JSON.stringify(webhookName)} denied the request`;
  const [told, reason] = [textAt(status, "message"), textAt(status, "reason")];
  const code = numberAt(status, "code") ?? 0;
  const { details } = status;
  return new ApiError({
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message: told === "" && reason === "" ? `${by} without explanation` : `${by}: ${told === "" ? reason : told}`,
    ...(reason === "" ? {} : { reason }),
    ...(isJsonObject(details) ? { details } : {}),
    code: Number.isInteger(code) && code >= 400 && code < 600 ? code : 400,
  });
}

function invalidAnswer(what: string): Error {
  return new Error(`received invalid webhook response: ${what}`);
}
