import { certificateSigningRequests, type KubernetesObject } from "@skerry/api";
import { isJsonObject } from "@skerry/base";
import type { KubernetesApi } from "@skerry/kube";
import { objectContent } from "./content.ts";
import { versionOf } from "./node-requests.ts";
import { errorResponse, objectResponse, toJson } from "./object-response.ts";
import { forbidden } from "./refusals.ts";
import type { RequestHandler } from "./request.ts";

const SERVING_SIGNER = "kubernetes.io/kubelet-serving";

/**
 * Requests for the certificate that the node's local API serves with: U20. Only that signer: with another one the
 * request, made under CloudCore's name, could yield a certificate for somebody else.
 */
export function certificateRequests(api: KubernetesApi): Record<string, RequestHandler> {
  return {
    "certificatesigningrequest insert": async (request) => {
      try {
        const content = objectContent<KubernetesObject>(request, certificateSigningRequests);
        const spec = "spec" in content ? content.spec : undefined;
        if (!isJsonObject(spec) || spec["signerName"] !== SERVING_SIGNER)
          throw forbidden(request.nodeName, `may only request certificates of signer "${SERVING_SIGNER}"`);
        request.reply(objectResponse(await api.create({ resource: certificateSigningRequests }, content)));
      } catch (error) {
        request.reply(errorResponse(error));
      }
    },
    "certificatesigningrequest query": async (request) => {
      const found = await api.get({ resource: certificateSigningRequests, name: request.name });
      request.reply(toJson(found), versionOf(found));
    },
  };
}
