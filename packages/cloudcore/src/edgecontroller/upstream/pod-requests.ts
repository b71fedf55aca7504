import type { Pod } from "@skerry/api";
import { pods } from "@skerry/api";
import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import { ApiError, failureStatus, isApiError, type KubernetesApi, type ObjectTarget } from "@skerry/kube";
import { patchContent } from "./content.ts";
import { mirrorPod } from "./mirror-pod.ts";
import { versionOf } from "./node-requests.ts";
import { errorContent, errorResponse, objectResponse } from "./object-response.ts";
import { badRequest, forbidden } from "./refusals.ts";
import type { RequestHandler, UpstreamRequest } from "./request.ts";

/** A pod that the node speaks of and the API server does not know. */
export interface StrayPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** What {@link podRequests} needs. */
export interface PodRequestOptions {
  readonly api: KubernetesApi;
  /** The node's pod of that name, if the caches show one. */
  readonly podOf: (nodeName: string, namespace: string, name: string) => { readonly uid: string } | undefined;
  /** The node is to remove the pod. */
  readonly onStrayPod: (nodeName: string, pod: StrayPod) => void;
}

/** Requests on the pods of the node: U9-U12. */
export function podRequests(options: PodRequestOptions): Record<string, RequestHandler> {
  const { api, podOf, onStrayPod } = options;

  /**
   * The UID of the node's pod, without which it is not written: another node's pod may have taken its name. What the
   * caches do not show as the node's, the API server itself must.
   */
  const ownUid = async (request: UpstreamRequest, target: ObjectTarget, uid: string | undefined): Promise<string> => {
    const { nodeName, namespace } = request;
    const known = podOf(nodeName, namespace, target.name)?.uid;
    if (known && (uid === undefined || uid === known)) return known;
    const pod = await api.get<Pod>(target);
    const present = pod.metadata.uid ?? "";
    if (uid !== undefined && uid !== present) throw otherPod(target.name, uid);
    if (pod.spec?.nodeName !== nodeName) throw forbidden(nodeName, `does not run pod "${namespace}/${target.name}"`);
    return present;
  };

  const patchStatus = async (
    request: UpstreamRequest,
    name: string,
    uid: string | undefined,
    status: JsonValue,
    type: "strategic" | "merge",
  ): Promise<Pod> => {
    const target = podTarget(request, name);
    try {
      const body: JsonObject = { metadata: { uid: await ownUid(request, target, uid) }, status };
      return await api.patch<Pod>({ ...target, subresource: "status" }, { type, body });
    } catch (error) {
      if (uid !== undefined && (await isGone(api, target, uid, error)))
        onStrayPod(request.nodeName, { namespace: request.namespace, name, uid });
      throw error;
    }
  };

  return {
    podpatch: async (request) => {
      try {
        const patch = patchContent(request.content);
        const pod = await patchStatus(
          request,
          request.name,
          uidIn(patch["metadata"]),
          patch["status"] ?? {},
          "strategic",
        );
        request.reply(objectResponse(pod), versionOf(pod));
      } catch (error) {
        request.reply(errorResponse(error));
      }
    },

    // The way of EdgeCores before v1.9: one `{UID, Name, Status}`, or an array of them (wire.md 12.3).
    "podstatus update": async (request) => {
      const reports = Array.isArray(request.content) ? request.content : [request.content];
      for (const report of reports) {
        if (!isJsonObject(report)) throw badRequest("the content is not a pod status");
        const name = typeof report["Name"] === "string" ? report["Name"] : request.name;
        const uid = typeof report["UID"] === "string" ? report["UID"] : undefined;
        try {
          await patchStatus(request, name, uid, report["Status"] ?? {}, "merge");
        } catch (error) {
          if (!isApiError(error, "NotFound") && !isApiError(error, "Conflict")) throw error;
        }
      }
      request.reply("OK");
    },

    "pod insert": async (request) => {
      try {
        const pod = await mirrorPod(api, request);
        const created = await api.create<Pod>({ resource: pods, namespace: request.namespace }, pod);
        request.reply(objectResponse(created), versionOf(created));
      } catch (error) {
        request.reply(errorResponse(error));
      }
    },

    "pod delete": async (request) => {
      try {
        const target = podTarget(request, request.name);
        const { uid, gracePeriodSeconds } = deletion(request.content);
        const preconditions = { uid: await ownUid(request, target, uid) };
        await api.delete(target, { gracePeriodSeconds, preconditions });
        request.reply("OK");
      } catch (error) {
        // Gone already, or another pod has its name: either way the node's pod is no more.
        const done = isApiError(error, "NotFound") || isApiError(error, "Conflict");
        request.reply(done ? "OK" : errorContent(error));
      }
    },
  };
}

function podTarget(request: UpstreamRequest, name: string): ObjectTarget {
  if (name === "") throw badRequest("the pod's name is missing");
  return { resource: pods, namespace: request.namespace, name };
}

/** The caches may lag behind what the node speaks of, or the node behind both. */
function otherPod(name: string, uid: string): ApiError {
  return new ApiError(failureStatus(409, "Conflict", `pod "${name}" is another one now; ${uid} is gone`));
}

function deletion(content: JsonValue): { readonly uid: string; readonly gracePeriodSeconds: number } {
  // EdgeCores before v1.9 send the UID alone.
  if (typeof content === "string") return { uid: content, gracePeriodSeconds: 0 };
  const options = isJsonObject(content) ? content : {};
  const uid = uidIn(options["preconditions"]);
  if (uid === undefined) throw badRequest("a pod is deleted by its UID: preconditions.uid is missing");
  const grace = options["gracePeriodSeconds"];
  return { uid, gracePeriodSeconds: typeof grace === "number" ? grace : 0 };
}

function uidIn(metadata: JsonValue | undefined): string | undefined {
  const uid = isJsonObject(metadata) ? metadata["uid"] : undefined;
  return typeof uid === "string" && uid !== "" ? uid : undefined;
}

/** Whether the write failed because no pod of this UID exists any more. */
async function isGone(api: KubernetesApi, target: ObjectTarget, uid: string, error: unknown): Promise<boolean> {
  if (isApiError(error, "NotFound")) return true;
  if (!isApiError(error, "Conflict") && !isApiError(error, "Invalid")) return false;
  try {
    return (await api.get(target)).metadata.uid !== uid;
  } catch (failure) {
    return isApiError(failure, "NotFound");
  }
}
