import type { KubernetesObject, ResourceReference } from "@skerry/api";
import { isJsonObject } from "@skerry/base";
import {
  ApiError,
  type DelegatedApi,
  type DelegatedRequest,
  type DelegatedUser,
  failureStatus,
  type KubernetesApi,
  type ListOptions,
} from "@skerry/kube";

const KINDS: Readonly<Record<string, string>> = { configmaps: "ConfigMap", pods: "Pod", nodes: "Node" };

/** The REST side of an API in memory: as much of it as MetaServers' requests need, with a test's own judge. */
export class MemoryDelegatedApi implements DelegatedApi {
  readonly requests: { readonly user: string; readonly request: DelegatedRequest }[] = [];
  /** Says whether the user may; asked before each request. */
  mayDo: (user: string, request: DelegatedRequest) => boolean = () => true;
  /** While set, answers wait for it. */
  gate: Promise<void> | undefined;
  readonly #api: KubernetesApi;

  constructor(api: KubernetesApi) {
    this.#api = api;
  }

  async send(
    user: DelegatedUser,
    request: DelegatedRequest,
    signal: AbortSignal,
  ): Promise<{ readonly status: number; readonly text: string }> {
    this.requests.push({ user: user.name, request });
    await this.gate;
    signal.throwIfAborted();
    try {
      if (!this.mayDo(user.name, request)) throw new ApiError(failureStatus(403, "Forbidden", `${user.name} may not`));
      return { status: 200, text: JSON.stringify(await this.#answer(request)) };
    } catch (error) {
      if (error instanceof ApiError) return { status: error.httpStatus, text: JSON.stringify(error.status) };
      throw error;
    }
  }

  async #answer({ method, path, query = {}, body }: DelegatedRequest): Promise<object> {
    if (path === "/version") return { gitVersion: "v1.32.0" };
    const match = /^\/(?:api|apis\/([^/]+))\/(v[^/]+)(?:\/namespaces\/([^/]+))?\/([^/]+)(?:\/([^/]+))?$/.exec(path);
    if (!match) throw new ApiError(failureStatus(404, "NotFound", `no such path: ${path}`));
    const [, group = "", version = "", namespace, resource = "", name] = match;
    const reference: ResourceReference = {
      group,
      version,
      resource,
      kind: KINDS[resource] ?? "",
      namespaced: namespace !== undefined,
    };
    const collection = { resource: reference, ...(namespace === undefined ? {} : { namespace }) };
    const sent: unknown = body === undefined ? undefined : JSON.parse(body);
    const { limit: _limit, ...options } = query;
    if (method === "GET" && name === undefined)
      return withoutKinds(await this.#api.list(collection, options as ListOptions));
    if (method === "GET") return this.#api.get({ ...collection, name: name ?? "" });
    if (method === "DELETE") return this.#api.delete({ ...collection, name: name ?? "" });
    if (!isJsonObject(sent)) throw new ApiError(failureStatus(400, "BadRequest", "no object"));
    if (method === "PATCH") return this.#api.patch({ ...collection, name: name ?? "" }, { type: "merge", body: sent });
    const object = sent as unknown as KubernetesObject;
    return method === "POST"
      ? this.#api.create(collection, object)
      : this.#api.update({ ...collection, name: name ?? "" }, object);
  }
}

/** As an API server writes a list. */
function withoutKinds<T extends { readonly items: readonly KubernetesObject[] }>(list: T): object {
  return { ...list, items: list.items.map(({ kind: _kind, apiVersion: _apiVersion, ...item }) => item) };
}
