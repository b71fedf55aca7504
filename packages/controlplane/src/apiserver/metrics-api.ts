import { type KubernetesObject, nodes, type Pod, pods } from "@skerry/api";
import { type Clock, isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import { ApiError, failureStatus, type KubernetesApi } from "@skerry/kube";
import { methodNotSupported, resourceNotFound } from "../registry/status-errors.ts";
import { type ApiRequest, type ApiResponse, jsonResponse } from "./api-request.ts";
import type { KubeletConnector } from "./pod-streams.ts";
import type { RequestPath } from "./resource-path.ts";

/** The group that `kubectl top` asks. */
export const METRICS_GROUP = "metrics.k8s.io";
export const METRICS_VERSION = "v1beta1";

/** What the group serves; answered from the nodes, never stored. */
export const METRICS_RESOURCES = [
  { resource: "nodes", kind: "NodeMetrics", namespaced: false },
  { resource: "pods", kind: "PodMetrics", namespaced: true },
] as const;

export interface MetricsApiOptions {
  readonly api: KubernetesApi;
  readonly kubelet: Pick<KubeletConnector, "get">;
  readonly clock: Clock;
}

/** Measurements of a node are asked for again after this time. */
const FRESH_MS = 10_000;
/** A node that does not answer in time is left out, as metrics-server does. */
const ANSWER_MS = 15_000;
/** Nodes asked at the same time. */
const WINDOW = 16;
const MAX_SUMMARY_BYTES = 4 * 1024 * 1024;
const WINDOW_TEXT = "10s";

interface Use {
  readonly timestamp: string;
  readonly usage: { readonly cpu: string; readonly memory: string };
}

/** What a node said of itself and its pods. */
interface NodeMeasurement {
  readonly node: Use | undefined;
  /** By `namespace/name`. */
  readonly pods: ReadonlyMap<string, { readonly timestamp: string; readonly containers: JsonObject[] }>;
}

/** `metrics.k8s.io`, from the nodes' `/stats/summary`: what metrics-server does on a larger cluster. */
export class MetricsApi {
  readonly #options: MetricsApiOptions;
  readonly #measured = new Map<
    string,
    { readonly atMs: number; readonly answer: Promise<NodeMeasurement | undefined> }
  >();

  constructor(options: MetricsApiOptions) {
    this.#options = options;
  }

  /** @throws ApiError */
  async handle(request: ApiRequest, path: RequestPath & { kind: "resource" }): Promise<ApiResponse> {
    const served = METRICS_RESOURCES.find(({ resource }) => resource === path.resource);
    if (!served || path.version !== METRICS_VERSION || path.subresource !== "") throw resourceNotFound();
    const reference = { ...served, group: METRICS_GROUP, version: METRICS_VERSION };
    if (request.method !== "GET" || path.watch) throw methodNotSupported(reference, request.method.toLowerCase());
    const items = served.resource === "nodes" ? await this.#nodes(request, path.name) : await this.#pods(request, path);
    const apiVersion = `${METRICS_GROUP}/${METRICS_VERSION}`;
    if (path.name === "") return jsonResponse(200, { kind: `${served.kind}List`, apiVersion, metadata: {}, items });
    const [item] = items;
    if (!item) throw notMeasured(served.resource, path.name);
    return jsonResponse(200, { kind: served.kind, apiVersion, ...item });
  }

  async #nodes(request: ApiRequest, name: string): Promise<JsonObject[]> {
    const { api } = this.#options;
    const { items } = await api.list<KubernetesObject>({ resource: nodes }, selection(request, name));
    const measured = await this.#measureAll(items.map(({ metadata }) => metadata.name));
    return items.flatMap(({ metadata }) => {
      const use = measured.get(metadata.name)?.node;
      return use ? [{ metadata: metadataOf(metadata), ...use, window: WINDOW_TEXT }] : [];
    });
  }

  async #pods(request: ApiRequest, { namespace, name }: RequestPath & { kind: "resource" }): Promise<JsonObject[]> {
    const { api } = this.#options;
    const target = namespace === "" ? { resource: pods } : { resource: pods, namespace };
    const { items } = await api.list<Pod>(target, selection(request, name));
    const measured = await this.#measureAll([...new Set(items.flatMap(({ spec }) => spec.nodeName ?? []))]);
    return items.flatMap(({ metadata, spec }) => {
      const found = measured.get(spec.nodeName ?? "")?.pods.get(`${metadata.namespace}/${metadata.name}`);
      return found ? [{ metadata: metadataOf(metadata), ...found, window: WINDOW_TEXT }] : [];
    });
  }

  async #measureAll(names: readonly string[]): Promise<Map<string, NodeMeasurement>> {
    const found = new Map<string, NodeMeasurement>();
    for (let at = 0; at < names.length; at += WINDOW) {
      await Promise.all(
        names.slice(at, at + WINDOW).map(async (name) => {
          const answer = await this.#measure(name);
          if (answer) found.set(name, answer);
        }),
      );
    }
    return found;
  }

  #measure(name: string): Promise<NodeMeasurement | undefined> {
    const nowMs = this.#options.clock.monotonicMs();
    for (const [other, { atMs }] of this.#measured) if (nowMs - atMs > FRESH_MS) this.#measured.delete(other);
    const known = this.#measured.get(name);
    if (known) return known.answer;
    const answer = this.#ask(name).catch(() => undefined); // A node that cannot be asked has no metrics.
    this.#measured.set(name, { atMs: nowMs, answer });
    return answer;
  }

  async #ask(nodeName: string): Promise<NodeMeasurement | undefined> {
    const { kubelet, clock } = this.#options;
    const late = new AbortController();
    const timer = clock.setTimer(ANSWER_MS, () => late.abort());
    try {
      const { status, body } = await kubelet.get(
        { method: "GET", path: "/stats/summary", query: "", nodeName },
        late.signal,
      );
      const text = await wholeText(body);
      return status === 200 ? measurementOf(JSON.parse(text) as JsonValue) : undefined;
    } finally {
      timer.cancel();
    }
  }
}

function selection(request: ApiRequest, name: string): { labelSelector?: string; fieldSelector?: string } {
  const labelSelector = request.query.get("labelSelector");
  const fieldSelector = name === "" ? request.query.get("fieldSelector") : `metadata.name=${name}`;
  return { ...(labelSelector ? { labelSelector } : {}), ...(fieldSelector ? { fieldSelector } : {}) };
}

function metadataOf({ name, namespace, labels }: KubernetesObject["metadata"]): JsonObject {
  return { name, ...(namespace === undefined ? {} : { namespace }), ...(labels ? { labels } : {}) };
}

function measurementOf(summary: JsonValue): NodeMeasurement {
  const root = isJsonObject(summary) ? summary : {};
  const found = new Map<string, { timestamp: string; containers: JsonObject[] }>();
  for (const pod of Array.isArray(root["pods"]) ? root["pods"] : []) {
    const reference = isJsonObject(pod) ? pod["podRef"] : undefined;
    if (!isJsonObject(pod) || !isJsonObject(reference)) continue;
    const containers = (Array.isArray(pod["containers"]) ? pod["containers"] : []).flatMap((container) => {
      const use = useOf(container);
      return use && isJsonObject(container) ? [{ name: container["name"] ?? "", usage: use.usage }] : [];
    });
    const timestamp = useOf(pod)?.timestamp;
    if (timestamp !== undefined) found.set(`${reference["namespace"]}/${reference["name"]}`, { timestamp, containers });
  }
  return { node: useOf(root["node"]), pods: found };
}

function useOf(stats: JsonValue | undefined): Use | undefined {
  if (!isJsonObject(stats) || !isJsonObject(stats["cpu"]) || !isJsonObject(stats["memory"])) return undefined;
  const { usageNanoCores, time } = stats["cpu"];
  const { workingSetBytes } = stats["memory"];
  if (typeof usageNanoCores !== "number" || typeof workingSetBytes !== "number") return undefined;
  const timestamp = `${String(time).slice(0, 19)}Z`;
  return { timestamp, usage: { cpu: `${usageNanoCores}n`, memory: `${Math.round(workingSetBytes / 1024)}Ki` } };
}

async function wholeText(body: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > MAX_SUMMARY_BYTES) throw new Error("the node's answer is too long");
  }
  return text;
}

function notMeasured(resource: string, name: string): ApiError {
  const message = `${resource}.${METRICS_GROUP} "${name}" not found: it does not exist, or its node could not be asked`;
  return new ApiError(failureStatus(404, "NotFound", message, { group: METRICS_GROUP, kind: resource, name }));
}
