import { serviceAccounts, type TokenRequest } from "@skerry/api";
import { isJsonObject, type JsonValue } from "@skerry/base";
import type { KubernetesApi } from "@skerry/kube";
import type { IndexedPod } from "../pod-index.ts";
import { toJson } from "./object-response.ts";
import { badRequest, forbidden } from "./refusals.ts";
import type { RequestHandler, UpstreamRequest } from "./request.ts";

const tokenRequestReference = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest" } as const;

/** What {@link tokenRequests} needs. */
export interface TokenRequestOptions {
  readonly api: KubernetesApi;
  /** The node's pod of that name, if it has one. */
  readonly podOf: (nodeName: string, namespace: string, name: string) => IndexedPod | undefined;
}

/** Service account tokens, bound to a pod of the node: U18. */
export function tokenRequests(options: TokenRequestOptions): Record<string, RequestHandler> {
  return {
    "serviceaccounttoken query": async (request) => {
      const body = checkedRequest(request, options);
      const target = { resource: serviceAccounts, namespace: request.namespace, name: request.name };
      const answer = await options.api.createSubresource<TokenRequest>({ ...target, subresource: "token" }, body);
      request.reply(toJson({ ...answer, ...tokenRequestReference }));
    },
  };
}

function checkedRequest(request: UpstreamRequest, options: TokenRequestOptions): TokenRequest {
  const spec = isJsonObject(request.content) ? request.content["spec"] : undefined;
  if (!isJsonObject(spec)) throw badRequest("the content is not a TokenRequest");
  const bound = isJsonObject(spec["boundObjectRef"]) ? spec["boundObjectRef"] : {};
  const { kind, name, uid } = bound;
  if (kind !== "Pod" || typeof name !== "string" || typeof uid !== "string")
    throw forbidden(request.nodeName, "may only request tokens that are bound to one of its pods");
  const pod = options.podOf(request.nodeName, request.namespace, name);
  if (!pod || pod.uid !== uid || pod.references.serviceAccount !== request.name)
    throw forbidden(
      request.nodeName,
      `runs no pod "${request.namespace}/${name}" (${uid}) under service account "${request.name}"`,
    );
  const audiences: JsonValue | undefined = spec["audiences"];
  const expiration = spec["expirationSeconds"];
  return {
    ...tokenRequestReference,
    metadata: { name: request.name, namespace: request.namespace },
    spec: {
      audiences: Array.isArray(audiences) ? audiences.filter((audience) => typeof audience === "string") : [],
      ...(typeof expiration === "number" ? { expirationSeconds: expiration } : {}),
      boundObjectRef: { kind: "Pod", apiVersion: "v1", name, uid },
    },
  };
}
