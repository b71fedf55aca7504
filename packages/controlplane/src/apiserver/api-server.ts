import type { Clock, Logger, Random } from "@skerry/base";
import type { KubernetesApi } from "@skerry/kube";
import type { Database } from "@skerry/store";
import { Admission } from "../admission/admission.ts";
import type { WebhookCaller } from "../admission/webhooks/webhook-caller.ts";
import { WebhookReviewer } from "../admission/webhooks/webhook-reviewer.ts";
import { AuditLog } from "../audit/audit-log.ts";
import { Authenticator } from "../authentication/authenticator.ts";
import { BootstrapTokens } from "../authentication/bootstrap-tokens.ts";
import { ServiceAccountTokens } from "../authentication/service-account-tokens.ts";
import type { TokenSigner } from "../authentication/token-signer.ts";
import { RbacAuthorizer } from "../authorization/rbac-authorizer.ts";
import { Reviews } from "../authorization/reviews.ts";
import { serveCustomResources } from "../customresources/custom-resources.ts";
import { ApiDiscovery } from "../discovery/api-discovery.ts";
import { TypeTopologies } from "../fieldmanager/type-topology.ts";
import { builtInTypes } from "../openapi/built-in-types.ts";
import { OpenApiDocuments } from "../openapi/openapi-documents.ts";
import { ApiService } from "../registry/api-service.ts";
import { InProcessApi } from "../registry/in-process-api.ts";
import { builtInResources } from "../registry/kinds/kinds.ts";
import { ObjectStore } from "../registry/object-store.ts";
import { Registry } from "../registry/registry.ts";
import { ResourceCatalog } from "../registry/resource-catalog.ts";
import { SubresourceActions } from "../registry/subresource-actions.ts";
import { CollectionWatches } from "../registry/watch-collection.ts";
import { ApiHandler } from "./api-handler.ts";
import { bootstrapCluster } from "./bootstrap.ts";
import { startEventRetention } from "./event-retention.ts";
import type { KubeletConnector } from "./pod-streams.ts";

/** The ports of an API server. */
export interface ApiServerOptions {
  /** Opened with `storeMigrations`. */
  readonly database: Database;
  readonly signer: TokenSigner;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** `host:port` that clients reach it at. */
  readonly serverAddress: () => string;
  /** Made with the API that it may read CloudCore's authority from; left out: pods' streams are not served. */
  readonly kubelet?: (api: KubernetesApi) => KubeletConnector;
  /** The way to admission webhooks; left out: each call of one fails. */
  readonly webhooks?: WebhookCaller;
  /** Takes a line for each request that came from the network; left out: nobody wants to know. */
  readonly audit?: (line: string) => void;
}

/** A Kubernetes API server without its HTTP socket; the simulation uses it as it is (`--api embedded`). */
export interface ApiServer extends Disposable {
  /** Answers requests from the network. */
  readonly handler: ApiHandler;
  /** The API for the control plane's own components. */
  readonly api: KubernetesApi;
}

const NO_WAY_TO_WEBHOOKS: WebhookCaller = {
  post: () => Promise.reject(new Error("this API server has no way to webhooks")),
};

/** Puts an API server together and makes what every cluster begins with. */
export async function createApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { database, signer, clock, random, logger } = options;
  const types = builtInTypes();
  const store = new ObjectStore(database);
  const topologies = new TypeTopologies(types);
  const catalog = new ResourceCatalog(builtInResources(topologies));
  const stack = new DisposableStack();
  stack.use(serveCustomResources(store, catalog, topologies));
  const ports = { store, admission: new Admission(catalog), clock, random, logger };
  const caller = options.webhooks ?? NO_WAY_TO_WEBHOOKS;
  const reviewer = stack.use(new WebhookReviewer({ store, catalog, caller, clock, random, logger }));
  const tokens = new ServiceAccountTokens(store, signer, clock, random);
  const bootstrapTokens = new BootstrapTokens(store, clock);
  const watches = new CollectionWatches(store, clock, random);
  const serviceOf = (registry: Registry): ApiService =>
    new ApiService({ registry, catalog, watches, actions: new SubresourceActions(registry, tokens) });
  const service = serviceOf(new Registry({ ...ports, reviewer }));
  const authorizer = new RbacAuthorizer(store);
  // Not past the webhooks: one that does not answer must not keep the server from starting.
  await bootstrapCluster(serviceOf(new Registry(ports)));
  const api = new InProcessApi(service);
  const handler = new ApiHandler({
    service,
    discovery: new ApiDiscovery(catalog, options.kubelet !== undefined),
    openApi: new OpenApiDocuments(catalog, types),
    types,
    authenticator: new Authenticator(tokens, bootstrapTokens),
    authorizer,
    reviews: new Reviews(authorizer, tokens, bootstrapTokens),
    signer,
    clock,
    logger,
    serverAddress: options.serverAddress,
    api,
    ...(options.audit ? { audit: new AuditLog(options.audit, clock, random) } : {}),
    ...(options.kubelet ? { kubelet: options.kubelet(api) } : {}),
  });
  stack.use(startEventRetention(service, clock, logger));
  return { handler, api, [Symbol.dispose]: () => stack.dispose() };
}
