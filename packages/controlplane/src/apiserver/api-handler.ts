import { type Clock, describeError, type Logger } from "@skerry/base";
import { ApiError, failureStatus, isApiError, type KubernetesApi } from "@skerry/kube";
import type { AuditLog, AuditTrail } from "../audit/audit-log.ts";
import { ANONYMOUS, type Authenticator } from "../authentication/authenticator.ts";
import { impersonation } from "../authentication/impersonation.ts";
import { TOKEN_ISSUER } from "../authentication/service-account-tokens.ts";
import type { TokenSigner } from "../authentication/token-signer.ts";
import { type AccessAttributes, refusalText } from "../authorization/attributes.ts";
import type { RbacAuthorizer } from "../authorization/rbac-authorizer.ts";
import { REVIEW_RESOURCES, type Reviews } from "../authorization/reviews.ts";
import type { ApiDiscovery } from "../discovery/api-discovery.ts";
import type { OpenApiDocuments } from "../openapi/openapi-documents.ts";
import type { TypeCatalog } from "../openapi/type-table.ts";
import type { ApiService } from "../registry/api-service.ts";
import type { UserInfo } from "../registry/request-context.ts";
import { resourceNotFound, unauthorized } from "../registry/status-errors.ts";
import { answerOpenApiV2 } from "./answer-openapi-v2.ts";
import { type ApiRequest, type ApiResponse, jsonResponse, textResponse } from "./api-request.ts";
import { METRICS_GROUP, MetricsApi } from "./metrics-api.ts";
import { negotiate } from "./negotiation.ts";
import { PodProxy } from "./pod-proxy.ts";
import { type KubeletConnector, type KubeletTarget, PodStreams } from "./pod-streams.ts";
import { isTrue } from "./query-options.ts";
import { readObject } from "./request-body.ts";
import { ResourceHandler } from "./resource-handler.ts";
import { parseResourcePath, type RequestPath } from "./resource-path.ts";

const SWITCHING_PROTOCOLS = 101;
/** Paths that answer anybody. */
const PUBLIC_PATHS: ReadonlySet<string> = new Set(["/healthz", "/livez", "/readyz", "/version", "/version/"]);

/** What the API server says it is: the Kubernetes whose API this is. */
export const KUBERNETES_VERSION = { major: "1", minor: "36" } as const;

/** What the handler works with. */
export interface ApiHandlerOptions {
  readonly service: ApiService;
  readonly discovery: ApiDiscovery;
  readonly openApi: OpenApiDocuments;
  readonly types: TypeCatalog;
  readonly authenticator: Authenticator;
  readonly authorizer: RbacAuthorizer;
  readonly reviews: Reviews;
  readonly signer: TokenSigner;
  readonly clock: Clock;
  readonly logger: Logger;
  /** `host:port` that discovery names. */
  readonly serverAddress: () => string;
  /** Left out: logs, exec, attach and port-forward are not served. */
  readonly kubelet?: KubeletConnector;
  /** For what is answered from other objects. */
  readonly api: KubernetesApi;
  /** Left out: nobody wants to know who asked for what. */
  readonly audit?: AuditLog;
}

/** Answers every request of the Kubernetes API: who is it, may they, what is it about. */
export class ApiHandler {
  readonly #options: ApiHandlerOptions;
  readonly #resources: ResourceHandler;
  readonly #metrics: MetricsApi | undefined;
  readonly #proxy: PodProxy;

  constructor(options: ApiHandlerOptions) {
    this.#options = options;
    const { kubelet, clock, api } = options;
    const streams = new PodStreams(kubelet);
    this.#metrics = kubelet && new MetricsApi({ api, kubelet, clock });
    this.#proxy = new PodProxy({ api, connector: kubelet });
    this.#resources = new ResourceHandler(options.service, options.types, options.clock, streams);
  }

  /** Never throws: what goes wrong becomes a Status. */
  async handle(request: ApiRequest): Promise<ApiResponse> {
    const trail: AuditTrail = { receivedMs: this.#options.clock.now() };
    const response = await this.#answerOrRefuse(request, trail);
    this.#options.audit?.record(trail, request, response.status);
    return response;
  }

  async #answerOrRefuse(request: ApiRequest, trail: AuditTrail): Promise<ApiResponse> {
    try {
      return await this.#answer(request, trail);
    } catch (error) {
      if (isApiError(error)) return statusResponse(error);
      this.#options.logger.error("A request failed inside the API server", {
        method: request.method,
        path: request.path,
        error: describeError(error),
      });
      return statusResponse(new ApiError(failureStatus(500, "InternalError", "Internal error occurred")));
    }
  }

  /** Who makes the request, where that is known; to be asked before much of a body is read. */
  knownUser(head: Pick<ApiRequest, "headers" | "certificateUser">): UserInfo | undefined {
    try {
      const user = this.#options.authenticator.authenticate(head);
      return user === ANONYMOUS ? undefined : user;
    } catch {
      return undefined;
    }
  }

  /**
   * What a request with an upgrade (exec, attach, port-forward) is led to. All need the right to create, whichever
   * method they come with: WebSocket knows only GET.
   * @throws ApiError
   */
  async upgradeTarget(request: ApiRequest): Promise<KubeletTarget> {
    const trail: AuditTrail = { receivedMs: this.#options.clock.now(), verb: "create" };
    let status = SWITCHING_PROTOCOLS;
    try {
      const user = this.#identify(request, false, trail);
      const path = parseResourcePath(request.path);
      trail.path = path;
      if (path.kind === "other") throw resourceNotFound();
      this.#authorize({ user, verb: "create", resource: path });
      return await this.#resources.upgradeTarget(request, path, user);
    } catch (error) {
      status = isApiError(error) ? error.httpStatus : 500;
      throw error;
    } finally {
      this.#options.audit?.record(trail, request, status);
    }
  }

  /** Who asks, or for whom. @throws ApiError */
  #identify(request: ApiRequest, isPublic: boolean, trail: AuditTrail): UserInfo {
    const user = this.#options.authenticator.authenticate(request);
    trail.user = user;
    if (user === ANONYMOUS && !isPublic) throw unauthorized();
    const asked = impersonation(request, user);
    if (!asked) return user;
    for (const need of asked.needs) this.#authorize(need);
    trail.impersonated = asked.user;
    return asked.user;
  }

  async #answer(request: ApiRequest, trail: AuditTrail): Promise<ApiResponse> {
    const isPublic = PUBLIC_PATHS.has(request.path) || /^\/(livez|readyz|healthz)\//.test(request.path);
    const user = this.#identify(request, isPublic, trail);
    const path = parseResourcePath(request.path);
    trail.path = path;
    if (path.kind === "other") {
      if (!isPublic) this.#authorize({ user, verb: request.method.toLowerCase(), path: request.path });
      return this.#answerOther(request);
    }
    const fieldSelector = request.query.get("fieldSelector") ?? "";
    trail.verb = verbOf(request, path);
    this.#authorize({ user, verb: trail.verb, resource: { ...path, fieldSelector } });
    if (path.group === METRICS_GROUP && this.#metrics) return this.#metrics.handle(request, path);
    if (path.proxyPath !== undefined && path.resource !== "nodes") return this.#proxy.handle(request, path);
    return this.#review(request, path, user) ?? this.#resources.handle(request, path, user);
  }

  #authorize(attributes: AccessAttributes): void {
    if (this.#options.authorizer.allows(attributes)) return;
    const { resource } = attributes;
    const named = !resource
      ? ""
      : `${resource.resource}${resource.group === "" ? "" : `.${resource.group}`}${resource.name === "" ? "" : ` ${JSON.stringify(resource.name)}`}`;
    const message = `${named === "" ? "" : `${named} is `}forbidden: ${refusalText(attributes)}`;
    throw new ApiError(
      failureStatus(403, "Forbidden", message, {
        ...(resource && resource.name !== "" ? { name: resource.name } : {}),
        ...(resource && resource.group !== "" ? { group: resource.group } : {}),
        ...(resource ? { kind: resource.resource } : {}),
      }),
    );
  }

  #review(
    request: ApiRequest,
    path: RequestPath & { kind: "resource" },
    user: UserInfo,
  ): ApiResponse | Promise<ApiResponse> | undefined {
    if (request.method !== "POST" || path.name !== "") return undefined;
    if (path.group === "" && path.resource === "bindings") return this.#postBinding(request, path, user);
    const review = REVIEW_RESOURCES.find(
      (candidate) => candidate.group === path.group && candidate.resource === path.resource && path.version === "v1",
    );
    if (!review) return undefined;
    return jsonResponse(201, this.#options.reviews.answer(review, user, readObject(request, this.#options.types)));
  }

  /** `POST bindings` is the old way of `POST pods/{name}/binding`. */
  async #postBinding(
    request: ApiRequest,
    path: RequestPath & { kind: "resource" },
    user: UserInfo,
  ): Promise<ApiResponse> {
    const body = readObject(request, this.#options.types);
    const metadata = body["metadata"];
    const name =
      typeof metadata === "object" && metadata !== null && !Array.isArray(metadata)
        ? String(metadata["name"] ?? "")
        : "";
    const pod = { ...path, resource: "pods", name, subresource: "binding" };
    return this.#resources.handle({ ...request, path: request.path }, pod, user);
  }

  #answerOther(request: ApiRequest): ApiResponse | Promise<ApiResponse> {
    if (request.method !== "GET" && request.method !== "HEAD") return textResponse(404, "404 page not found\n");
    const parts = request.path.split("/").filter((part) => part !== "");
    switch (parts[0]) {
      case undefined:
        return jsonResponse(200, {
          paths: ["/api", "/apis", "/healthz", "/livez", "/openapi/v3", "/readyz", "/version"],
        });
      case "healthz":
      case "livez":
      case "readyz":
        return textResponse(
          200,
          isTrue(request.query, "verbose") || request.query.get("verbose") === ""
            ? `[+]ping ok\n[+]database ok\n${parts[0]} check passed\n`
            : "ok",
        );
      case "version":
        return jsonResponse(200, versionInfo());
      case "api":
      case "apis":
        return this.#discover(request, parts);
      case "openapi":
        return this.#openApi(request, parts);
      case ".well-known":
        if (parts[1] === "openid-configuration")
          return jsonResponse(200, {
            issuer: TOKEN_ISSUER,
            jwks_uri: `https://${this.#options.serverAddress()}/openid/v1/jwks`,
            response_types_supported: ["id_token"],
            subject_types_supported: ["public"],
            id_token_signing_alg_values_supported: ["ES256"],
          });
        break;
      case "openid":
        if (parts[2] === "jwks") return jsonResponse(200, this.#options.signer.publicKeys());
        break;
      default:
        break;
    }
    return textResponse(404, "404 page not found\n");
  }

  #discover(request: ApiRequest, parts: readonly string[]): ApiResponse {
    const { discovery } = this.#options;
    const isCore = parts[0] === "api";
    if (parts.length === 1) {
      if (negotiate(request.headers["accept"]) === "aggregated-discovery")
        return jsonResponse(200, discovery.aggregated(isCore), {
          "content-type": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
        });
      return jsonResponse(200, isCore ? discovery.coreVersions(this.#options.serverAddress()) : discovery.groupList());
    }
    const [group = "", version] = isCore ? ["", parts[1]] : [parts[1], parts[2]];
    if (!discovery.hasGroup(group)) return textResponse(404, "404 page not found\n");
    const found = version === undefined ? discovery.group(group) : discovery.resourceList(group, version);
    if (!found) throw resourceNotFound();
    return jsonResponse(200, found);
  }

  async #openApi(request: ApiRequest, parts: readonly string[]): Promise<ApiResponse> {
    if (parts[1] === "v2" && parts.length === 2)
      return answerOpenApiV2(this.#options.openApi, request.headers["accept"] ?? "");
    if (parts[1] === "v3" && parts.length === 2) return jsonResponse(200, this.#options.openApi.index());
    const text = parts[1] === "v3" ? this.#options.openApi.document(parts.slice(2).join("/")) : undefined;
    if (text === undefined) return textResponse(404, "404 page not found\n");
    return { status: 200, headers: { "content-type": "application/json" }, body: text };
  }
}

/** The verb that authorization knows a request by. */
function verbOf(request: ApiRequest, path: RequestPath & { kind: "resource" }): string {
  const isCollection = path.name === "";
  switch (request.method) {
    case "GET":
    case "HEAD":
      // What a proxied query says is for the pod.
      if (path.proxyPath === undefined && (path.watch || isTrue(request.query, "watch"))) return "watch";
      return isCollection ? "list" : "get";
    case "POST":
      return "create";
    case "PUT":
      return "update";
    case "PATCH":
      return "patch";
    case "DELETE":
      return isCollection ? "deletecollection" : "delete";
    default:
      return request.method.toLowerCase();
  }
}

function statusResponse(error: ApiError): ApiResponse {
  const seconds = error.status.details?.retryAfterSeconds;
  return jsonResponse(error.httpStatus, error.status, seconds === undefined ? {} : { "retry-after": String(seconds) });
}

function versionInfo(): Record<string, string> {
  const { major, minor } = KUBERNETES_VERSION;
  return {
    major,
    minor,
    emulationMajor: major,
    emulationMinor: minor,
    minCompatibilityMajor: major,
    minCompatibilityMinor: String(Number(minor) - 1),
    gitVersion: `v${major}.${minor}.0+skerry`,
    gitCommit: "",
    gitTreeState: "",
    buildDate: "1970-01-01T00:00:00Z",
    goVersion: "",
    compiler: "",
    platform: "linux/amd64",
  };
}
