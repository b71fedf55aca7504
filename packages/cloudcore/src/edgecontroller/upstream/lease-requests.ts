import type { Lease } from "@skerry/api";
import { leases } from "@skerry/api";
import type { KubernetesApi } from "@skerry/kube";
import { objectContent } from "./content.ts";
import { errorResponse, objectResponse, queriedObjectResponse } from "./object-response.ts";
import { forbidden } from "./refusals.ts";
import type { RequestHandler, UpstreamRequest } from "./request.ts";

const LEASE_NAMESPACE = "kube-node-lease";

/** Requests on the node's lease: U19. */
export function leaseRequests(api: KubernetesApi): Record<string, RequestHandler> {
  const answered =
    (work: (request: UpstreamRequest) => Promise<void>): RequestHandler =>
    async (request) => {
      try {
        if (request.namespace !== LEASE_NAMESPACE || request.name !== request.nodeName)
          throw forbidden(request.nodeName, `may not touch lease "${request.namespace}/${request.name}"`);
        await work(request);
      } catch (error) {
        request.reply(errorResponse(error));
      }
    };
  const lease = (request: UpstreamRequest): Lease => objectContent<Lease>(request, leases);

  return {
    "lease query": answered(async (request) => {
      const found = await api.get<Lease>({ resource: leases, namespace: request.namespace, name: request.name });
      request.reply(queriedObjectResponse(found));
    }),
    "lease insert": answered(async (request) => {
      const target = { resource: leases, namespace: request.namespace };
      request.reply(objectResponse(await api.create<Lease>(target, lease(request))));
    }),
    "lease update": answered(async (request) => {
      const target = { resource: leases, namespace: request.namespace, name: request.name };
      request.reply(objectResponse(await api.update<Lease>(target, lease(request))));
    }),
  };
}
