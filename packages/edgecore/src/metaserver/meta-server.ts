import type { KubernetesObject, Status } from "@skerry/api";
import {
  type Clock,
  describeError,
  isJsonObject,
  type ListeningPort,
  type Logger,
  type Random,
  type Service,
} from "@skerry/base";
import { ApiError, failureStatus, fieldIs } from "@skerry/kube";
import { acknowledgementOf, errorFor, type Message, objectOf, WATCH_SET_RESOURCE } from "@skerry/link";
import type { Database } from "@skerry/store";
import type { CloudLink, DownstreamHandler } from "../edgehub/cloud-link.ts";
import type { MetaStore } from "../metamanager/index.ts";
import { AboutAnswers } from "./about-answers.ts";
import {
  type ApiRequest,
  type ApiResponse,
  notAllowedStatus,
  statusResponse,
  textResponse,
  unknownStatus,
} from "./api-exchange.ts";
import { type ApiPath, apiVersionOf, parseApiPath } from "./api-path.ts";
import { CloudApi, rejectedIn } from "./cloud-api.ts";
import { CloudWatches } from "./cloud-watches.ts";
import { isKindOf } from "./kind-names.ts";
import { type LocalLimits, LocalObjects } from "./local-objects.ts";
import { Reads } from "./reads.ts";
import type { Scope } from "./scope.ts";
import { WatchRequests } from "./watch-requests.ts";
import { Writes } from "./writes.ts";

/** Opens the port for this node's applications. */
export interface ApiListener {
  /** @throws SkerryError `METASERVER_LISTEN_FAILED` */
  listen(handle: (request: ApiRequest) => Promise<ApiResponse>): Promise<ListeningPort>;
}

export interface MetaServerPorts {
  /** Opened with `metaServerTables` among its migrations. */
  readonly database: Database;
  readonly meta: MetaStore;
  readonly cloudLink: CloudLink;
  readonly nodeName: string;
  /** Lets held pods start: the one of this name, or all of the node; returns how many were held. */
  readonly releaseHeld?: ((only?: { readonly namespace: string; readonly name: string }) => number) | undefined;
  readonly listener: ApiListener;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly limits?: LocalLimits;
}

type ResourcePath = ApiPath & { readonly kind: "resource" };

const UNHOLD = "unhold-upgrade";
/** Subresources that are streams; `kubectl` in the cloud has them through the tunnel. */
const STREAMS: ReadonlySet<string> = new Set(["log", "exec", "attach", "portforward", "proxy"]);

/**
 * The Kubernetes API at the edge (edge.md 7), for applications of this node: reads and watches go on without the cloud
 * with what is known here, writes need it. What may be read and written is what the cloud's API server gives this node.
 */
export class MetaServer implements DownstreamHandler, Service {
  readonly local: LocalObjects;
  readonly #ports: MetaServerPorts;
  readonly #logger: Logger;
  readonly #watches: CloudWatches;
  readonly #about: AboutAnswers;
  readonly #reads: Reads;
  readonly #writes: Writes;
  readonly #watchRequests: WatchRequests;
  #listening: ListeningPort | undefined;
  #unwatchedCount = 0;

  constructor(ports: MetaServerPorts) {
    this.#ports = ports;
    this.#logger = ports.logger.child("metaserver");
    const cloud = new CloudApi(ports);
    const shared = { ...ports, logger: this.#logger, cloud };
    this.local = new LocalObjects(
      { ...shared, isWatched: (resource) => this.#watches.watches(resource) },
      ports.limits,
    );
    const { local } = this;
    this.#watches = new CloudWatches({ ...shared, local });
    const watches = this.#watches;
    this.#about = new AboutAnswers(shared);
    this.#reads = new Reads({ ...shared, local, watches });
    this.#writes = new Writes(cloud, local);
    this.#watchRequests = new WatchRequests({ ...shared, local, watches });
  }

  /** Objects that the cloud sent and nobody here watches. */
  get unwatchedCount(): number {
    return this.#unwatchedCount;
  }

  /** Opens the port. That this fails stops nothing else of the node: it is told, and the node works without. */
  async start(): Promise<void> {
    try {
      this.#listening = await this.#ports.listener.listen((request) => this.answer(request));
    } catch (error) {
      this.#logger.error("The MetaServer cannot be reached by applications", { error: describeError(error) });
    }
  }

  /** Never throws: what goes wrong becomes a Status. */
  async answer(request: ApiRequest): Promise<ApiResponse> {
    try {
      return await this.#answer(request);
    } catch (error) {
      if (error instanceof ApiError) return statusResponse(error.status);
      if (!request.signal.aborted)
        this.#logger.error("A request failed inside the MetaServer", {
          method: request.method,
          path: request.path,
          error: describeError(error),
        });
      return statusResponse(failureStatus(500, "InternalError", "the node's MetaServer failed; see EdgeCore's log"));
    }
  }

  /** Takes what the cloud sends of watched objects: commits, then acknowledges (wire.md D15). */
  async handle(message: Message): Promise<void> {
    const { operation, resource = "" } = message.route;
    if (operation === "applicationResponse") {
      // Also one that nobody waits for any more: the cloud has ended watches by itself.
      if (resource === WATCH_SET_RESOURCE && isJsonObject(message.content))
        this.#watches.ended(rejectedIn(message.content));
      return;
    }
    try {
      await this.#take(message);
    } catch (error) {
      this.#logger.error("A watched object could not be stored", { error: describeError(error), resource });
      this.#tell(errorFor(this.#ports, message, describeError(error), { source: "metaserver" }));
      return;
    }
    this.#tell(acknowledgementOf(this.#ports, message));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watchRequests[Symbol.dispose]();
    await this.#listening?.[Symbol.asyncDispose]();
    this.#watches[Symbol.dispose]();
    this.local[Symbol.dispose]();
  }

  async #answer(request: ApiRequest): Promise<ApiResponse> {
    const path = parseApiPath(request.path);
    const isRead = request.method === "GET" || request.method === "HEAD";
    switch (path.kind) {
      case "unknown":
        return statusResponse(unknownStatus(request.path));
      case "health":
        return textResponse(200, "ok");
      case "about":
        return isRead
          ? this.#about.answer(path.path, request)
          : statusResponse(notAllowedStatus(`${request.method} here`));
      case "resource":
        return this.#answerResource(path, request);
    }
  }

  async #answerResource(path: ResourcePath, request: ApiRequest): Promise<ApiResponse> {
    const { resource, namespace, name, subresource } = path;
    const { method, query } = request;
    if (STREAMS.has(subresource)) return statusResponse(notAllowedStatus(`the subresource ${subresource}`));
    if (isSecret(path) && !request.hasToken) return statusResponse(secretsNeedToken());
    if (method === "POST" && namespace === "" && name === UNHOLD) return this.#unhold(resource.resource, request);
    this.local.touch(resource);
    switch (method) {
      case "GET":
      case "HEAD": {
        const isWatch = query.get("watch") === "true" || query.get("watch") === "1";
        if (name !== "" && !isWatch) return this.#reads.get(resource, namespace, name, subresource, request);
        const scope = scopeOf(path, query);
        return isWatch ? this.#watchRequests.answer(scope, request) : this.#reads.list(scope, request);
      }
      case "POST":
      case "PUT":
      case "PATCH":
      case "DELETE":
        if ((method === "POST") === (name !== "" && subresource === ""))
          return statusResponse(
            notAllowedStatus(method === "DELETE" ? "deleting whole collections" : `${method} here`),
          );
        return this.#writes.write(method, { resource, namespace, name, subresource }, request);
      default:
        return statusResponse(notAllowedStatus(method.slice(0, 20)));
    }
  }

  /** KubeEdge's local extension: `pods/unhold-upgrade` with `NAMESPACE/NAME`, `nodes/unhold-upgrade` with a node's name. */
  #unhold(resource: string, { body }: ApiRequest): ApiResponse {
    const { releaseHeld, nodeName } = this.#ports;
    const [namespace = "", name = "", ...more] = body.trim().split("/");
    if (resource === "pods" && (namespace === "" || name === "" || more.length > 0))
      return statusResponse(failureStatus(400, "BadRequest", "the body must be NAMESPACE/NAME of a held pod"));
    const isOther = resource === "nodes" && body.trim() !== "" && body.trim() !== nodeName;
    const count = isOther ? 0 : (releaseHeld?.(resource === "pods" ? { namespace, name } : undefined) ?? 0);
    if (count > 0) return textResponse(200, `${count} released`);
    return statusResponse(failureStatus(404, "NotFound", "no pod is held there"));
  }

  async #take(message: Message): Promise<void> {
    const object = objectOf(message.content);
    const { operation } = message.route;
    const scope = object && this.#watches.scopes.find((watched) => this.#isOf(watched, object));
    if (!object || !scope || !object.metadata.uid) {
      this.#unwatchedCount++;
      return;
    }
    const version = message.header.resourceversion ?? object.metadata.resourceVersion ?? "0";
    if (operation === "delete") await this.local.remove(scope.resource, object, version);
    else await this.local.store(scope.resource, [object]);
  }

  #isOf(scope: Scope, { apiVersion, kind = "" }: KubernetesObject): boolean {
    if (apiVersion !== apiVersionOf(scope.resource)) return false;
    return isKindOf(scope.resource, kind) || this.local.coverage(scope)?.kind === kind;
  }

  #tell(message: Message): void {
    try {
      this.#ports.cloudLink.send(message);
    } catch (error) {
      this.#logger.debug("An acknowledgement could not be sent", { error: describeError(error) });
    }
  }
}

function scopeOf({ resource, namespace, name }: ResourcePath, query: URLSearchParams): Scope {
  const asked = query.get("fieldSelector") ?? "";
  // A watch of one object, as older clients ask for it.
  const named = name === "" ? [] : [fieldIs("metadata.name", name)];
  const fieldSelector = [...named, ...(asked === "" ? [] : [asked])].join(",");
  return { resource, namespace, labelSelector: query.get("labelSelector") ?? "", fieldSelector };
}

/** What gives more rights to who reads it: Secrets, and the tokens that a node may have for its pods. */
function isSecret({ resource, subresource }: ResourcePath): boolean {
  if (resource.group !== "") return false;
  return resource.resource === "secrets" || (resource.resource === "serviceaccounts" && subresource === "token");
}

function secretsNeedToken(): Status {
  const text =
    "Secrets and tokens are answered only to callers with the MetaServer's token: set modules.metaManager.metaServer.tokenFile in edgecore.yaml";
  return failureStatus(403, "Forbidden", text, { kind: "secrets" });
}
