import { endpoints, type KubernetesObject, type Pod, pods, type Service, services } from "@skerry/api";
import { ApiError, badRequest, failureStatus, type KubernetesApi } from "@skerry/kube";
import { resourceNotFound, streamNotServed } from "../registry/status-errors.ts";
import type { ApiRequest, ApiResponse } from "./api-request.ts";
import type { RequestPath } from "./resource-path.ts";

/** An HTTP request to a port of a pod. */
export interface PodHttpRequest {
  readonly namespace: string;
  readonly pod: string;
  readonly port: number;
  /** Over TLS, whose certificate nobody can verify: it is the pod's own. */
  readonly isTls: boolean;
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface PodHttpAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: AsyncIterable<Uint8Array>;
}

/** Reaches the ports of pods, through the nodes' tunnels. */
export interface PodConnector {
  /** @throws ApiError ServiceUnavailable when the pod's port cannot be reached, or the refusal of the way there */
  requestPod(request: PodHttpRequest, signal: AbortSignal): Promise<PodHttpAnswer>;
}

export interface PodProxyOptions {
  readonly api: KubernetesApi;
  /** Left out: nothing is served, and requests are told so. */
  readonly connector: PodConnector | undefined;
}

/** Of a connection and not of a message (RFC 9110 section 7.6.1), or rewritten here. */
const CONNECTION_HEADERS: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "expect",
  "host",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);
/** What proves to the API server who asks is none of the pod's business. */
const CREDENTIALS = /^(authorization|cookie|impersonate-.*|x-remote-.*)$/;
const HTTP_PORT = 80;
const HTTPS_PORT = 443;

/** A proxied object as a path names it: `[http:|https:]NAME[:PORT]`. */
interface ProxiedName {
  readonly isTls: boolean;
  readonly name: string;
  readonly port: string;
}

/**
 * `pods/NAME/proxy/…` and `services/NAME/proxy/…`: an HTTP request to a pod, through the same tunnel as
 * `kubectl port-forward`, because the API server has no route to the pods of edge nodes.
 */
export class PodProxy {
  readonly #options: PodProxyOptions;

  constructor(options: PodProxyOptions) {
    this.#options = options;
  }

  /** @throws ApiError */
  async handle(request: ApiRequest, path: RequestPath & { kind: "resource" }): Promise<ApiResponse> {
    const { connector } = this.#options;
    const proxied = parseName(path);
    const target =
      path.resource === "services" ? await this.#ofService(path, proxied) : await this.#ofPod(path, proxied);
    if (!connector) throw streamNotServed("proxy");
    // Relative links of a page would lead elsewhere.
    if (path.proxyPath === "" && request.method === "GET") return movedTo(`${request.path}/`, request.query);
    const answer = await connector.requestPod(
      {
        ...target,
        namespace: path.namespace,
        isTls: proxied.isTls,
        method: request.method,
        target: `${path.proxyPath || "/"}${queryOf(request.query)}`,
        headers: forwardedHeaders(request),
        body: request.body,
      },
      request.signal,
    );
    const prefix = request.path.slice(0, request.path.length - (path.proxyPath?.length ?? 0));
    return {
      status: answer.status,
      headers: answeredHeaders(answer.headers, prefix),
      body: answer.body,
      mayStall: true,
    };
  }

  /** The named port, else the first one that a container names. */
  async #ofPod({ namespace }: { namespace: string }, { name, port, isTls }: ProxiedName): Promise<PodAndPort> {
    const pod = await this.#options.api.get<Pod>({ resource: pods, namespace, name });
    if (!pod.spec.nodeName) throw badRequest(`pod ${name} does not have a host assigned`);
    if (port !== "") return { pod: name, port: portNumber(port, `pod ${name}`) };
    const [first] = pod.spec.containers.flatMap((container) => container.ports ?? []);
    return { pod: name, port: first?.containerPort ?? (isTls ? HTTPS_PORT : HTTP_PORT) };
  }

  /** The first pod behind the service that is ready, and its port for the service's one of this name or number. */
  async #ofService({ namespace }: { namespace: string }, { name, port }: ProxiedName): Promise<PodAndPort> {
    const { api } = this.#options;
    const service = await api.get<Service>({ resource: services, namespace, name });
    const offered = service.spec.ports ?? [];
    const wanted = offered.find((each) => port === "" || each.name === port || String(each.port) === port);
    if (!wanted) throw unavailable(`no service port ${JSON.stringify(port)} found for service ${JSON.stringify(name)}`);
    const at = { resource: endpoints, namespace, name };
    const { subsets = [] } = await api.get<KubernetesObject & { readonly subsets?: readonly EndpointSubset[] }>(at);
    for (const { addresses = [], ports = [] } of subsets) {
      const pod = addresses.find(({ targetRef }) => targetRef?.kind === "Pod")?.targetRef?.name;
      const found = ports.find((each) => (each.name ?? "") === (wanted.name ?? ""));
      if (pod !== undefined && found) return { pod, port: found.port };
    }
    throw unavailable(`no endpoints available for service ${JSON.stringify(name)}`);
  }
}

interface PodAndPort {
  readonly pod: string;
  readonly port: number;
}

interface EndpointSubset {
  readonly addresses?: readonly { readonly targetRef?: { readonly kind: string; readonly name: string } }[];
  readonly ports?: readonly { readonly name?: string; readonly port: number }[];
}

function parseName({ resource, name: text, namespace }: RequestPath & { kind: "resource" }): ProxiedName {
  if (namespace === "") throw resourceNotFound();
  const parts = text.split(":");
  const [scheme = "", name = "", port = ""] = parts.length === 3 ? parts : ["", ...parts];
  if (parts.length > 3 || name === "" || !["", "http", "https"].includes(scheme))
    throw badRequest(`invalid ${resource === "services" ? "service" : "pod"} request ${JSON.stringify(text)}`);
  return { isTls: scheme === "https", name, port };
}

function portNumber(text: string, whose: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port < 1 || port > 65_535)
    throw badRequest(`${JSON.stringify(text)} is no port number of ${whose}`);
  return port;
}

function unavailable(message: string): ApiError {
  return new ApiError(failureStatus(503, "ServiceUnavailable", message, {}));
}

function movedTo(path: string, query: URLSearchParams): ApiResponse {
  return { status: 301, headers: { location: `${path}${queryOf(query)}` }, body: "" };
}

function queryOf(query: URLSearchParams): string {
  return query.size === 0 ? "" : `?${query.toString()}`;
}

function forwardedHeaders({ headers, path }: ApiRequest): Record<string, string> {
  const kept = Object.entries(headers).flatMap(([name, value]): [string, string][] =>
    value === undefined || CONNECTION_HEADERS.has(name) || CREDENTIALS.test(name) ? [] : [[name, value]],
  );
  const host = headers["host"] === undefined ? {} : { "x-forwarded-host": headers["host"] };
  return { ...Object.fromEntries(kept), ...host, "x-forwarded-proto": "https", "x-forwarded-uri": path };
}

/**
 * Cookies are not handed on: they would be the API server's, for all apps alike. A redirection within the app stays below
 * the proxy.
 */
function answeredHeaders(headers: Readonly<Record<string, string>>, prefix: string): Record<string, string> {
  const kept = Object.entries(headers).filter(
    ([name]) => name === "content-length" || (!CONNECTION_HEADERS.has(name) && name !== "set-cookie"),
  );
  return Object.fromEntries(
    kept.map(([name, value]) => [name, name === "location" && /^\/(?!\/)/.test(value) ? prefix + value : value]),
  );
}
