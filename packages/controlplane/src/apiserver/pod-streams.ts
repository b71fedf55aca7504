import type { Pod } from "@skerry/api";
import type { JsonObject } from "@skerry/base";
import { ApiError, badRequest, failureStatus } from "@skerry/kube";
import { streamNotServed } from "../registry/status-errors.ts";
import type { ApiRequest, ApiResponse } from "./api-request.ts";
import type { PodConnector } from "./pod-proxy.ts";
import { isTrue } from "./query-options.ts";

/** A request of the kubelet's streaming API. */
export interface KubeletTarget {
  readonly method: string;
  readonly path: string;
  /** Without the question mark. */
  readonly query: string;
  /** The node, where the path names neither it nor a pod. */
  readonly nodeName?: string;
}

/** What the kubelet's endpoint answered to a plain request. */
export interface KubeletAnswer {
  readonly status: number;
  readonly body: AsyncIterable<Uint8Array>;
  readonly contentType?: string;
}

/** Reaches the kubelet's API of all nodes, and their pods; CloudCore's port 10003. */
export interface KubeletConnector extends PodConnector {
  /** @throws ApiError ServiceUnavailable when it cannot be reached */
  get(target: KubeletTarget, signal: AbortSignal): Promise<KubeletAnswer>;
}

/** Subresources of pods that the kubelet streams. */
export const POD_STREAMS: ReadonlySet<string> = new Set(["log", "exec", "attach", "portforward"]);

const MAX_MESSAGE_BYTES = 8 * 1024;

/** Leads `pods/log`, `pods/exec`, `pods/attach` and `pods/portforward` to the kubelet's endpoint. */
export class PodStreams {
  readonly #kubelet: Pick<KubeletConnector, "get"> | undefined;

  /** @param kubelet left out: nothing is served, and requests are told so */
  constructor(kubelet: Pick<KubeletConnector, "get"> | undefined) {
    this.#kubelet = kubelet;
  }

  /** Answers a request without an upgrade. @throws ApiError */
  async answer(request: ApiRequest, podAt: () => Pod, subresource: string): Promise<ApiResponse> {
    // Whether there is such a pod comes first: a name mistyped is not a matter of how this was started.
    if (!this.#kubelet && podAt()) throw streamNotServed(subresource);
    if (!this.#kubelet || subresource !== "log") throw badRequest("Upgrade request required");
    if (request.method !== "GET") throw badRequest("logs can only be read with GET");
    const { status, body } = await this.#kubelet.get(logTarget(podAt(), request.query), request.signal);
    if (status !== 200) throw kubeletRefusal(status, await beginning(body));
    return { status: 200, headers: { "content-type": "text/plain" }, body, mayStall: true };
  }

  /** Leads `nodes/NAME/proxy/…` to the node. @throws ApiError */
  async proxyToNode(request: ApiRequest, nodeName: string, proxyPath: string): Promise<ApiResponse> {
    if (!this.#kubelet) throw streamNotServed("proxy");
    if (request.method !== "GET") throw badRequest("of a node only GET is served");
    const target = { method: "GET", path: proxyPath || "/", query: request.query.toString(), nodeName };
    const { status, body, contentType = "text/plain" } = await this.#kubelet.get(target, request.signal);
    if (status !== 200) throw kubeletRefusal(status, await beginning(body));
    return { status: 200, headers: { "content-type": contentType }, body, mayStall: true };
  }

  /** What a request with an upgrade is led to. @throws ApiError */
  upgradeTarget(request: ApiRequest, podAt: () => Pod, subresource: string): KubeletTarget {
    if (!this.#kubelet || subresource === "log") throw streamNotServed(subresource);
    return processTarget(request, podAt(), subresource);
  }
}

/** What a client asks of a stream, as admission webhooks are shown it: PodExecOptions and the like. */
export function connectionOptions(subresource: string, query: URLSearchParams): JsonObject {
  if (subresource === "portforward") {
    const ports = query.getAll("ports").map(Number).filter(Number.isInteger);
    return { kind: "PodPortForwardOptions", apiVersion: "v1", ...(ports.length === 0 ? {} : { ports }) };
  }
  const container = query.get("container") ?? "";
  const streams = ["stdin", "stdout", "stderr", "tty"].filter((name) => isTrue(query, name));
  return {
    kind: subresource === "exec" ? "PodExecOptions" : "PodAttachOptions",
    apiVersion: "v1",
    ...Object.fromEntries(streams.map((name) => [name, true])),
    ...(container === "" ? {} : { container }),
    ...(subresource === "exec" ? { command: query.getAll("command") } : {}),
  };
}

/** The refusal of the kubelet's endpoint as the API server's own. */
export function kubeletRefusal(status: number, text: string): ApiError {
  const reasons: Readonly<Record<number, string>> = {
    400: "BadRequest",
    403: "Forbidden",
    404: "NotFound",
    429: "TooManyRequests",
    501: "NotImplemented",
    503: "ServiceUnavailable",
  };
  const reason = reasons[status] ?? "InternalError";
  const code = reason === "InternalError" ? 500 : status;
  return new ApiError(failureStatus(code, reason, text.trim() || `the node answered HTTP ${status}`, {}));
}

function logTarget(pod: Pod, query: URLSearchParams): KubeletTarget {
  const forwarded = new URLSearchParams();
  for (const name of ["follow", "previous", "timestamps"]) if (isTrue(query, name)) forwarded.set(name, "true");
  for (const name of ["sinceSeconds", "sinceTime", "tailLines", "limitBytes"]) {
    const value = query.get(name);
    if (value !== null) forwarded.set(name, value);
  }
  const path = `/containerLogs/${podPath(pod)}/${containerOf(pod, query.get("container"))}`;
  return { method: "GET", path, query: forwarded.toString() };
}

function processTarget({ method, query }: ApiRequest, pod: Pod, subresource: string): KubeletTarget {
  if (subresource === "portforward") return { method, path: `/portForward/${podPath(pod)}`, query: "" };
  const forwarded = new URLSearchParams();
  if (subresource === "exec") {
    const command = query.getAll("command");
    if (command.length === 0) throw badRequest("you must specify at least 1 command for the container");
    for (const word of command) forwarded.append("command", word);
  }
  const streams: readonly (readonly [string, string])[] = [
    ["stdin", "input"],
    ["stdout", "output"],
    ["stderr", "error"],
  ];
  for (const [name, kubeletName] of streams) if (isTrue(query, name)) forwarded.set(kubeletName, "1");
  if (forwarded.size === forwarded.getAll("command").length)
    throw badRequest("at least one of stdin, stdout, stderr must be asked for");
  if (isTrue(query, "tty")) forwarded.set("tty", "1");
  const container = containerOf(pod, query.get("container"));
  return { method, path: `/${subresource}/${podPath(pod)}/${container}`, query: forwarded.toString() };
}

function podPath(pod: Pod): string {
  const { namespace = "", name } = pod.metadata;
  if (!pod.spec.nodeName) throw badRequest(`pod ${name} does not have a host assigned`);
  return `${namespace}/${name}`;
}

/** The named container, or the only one there is. */
function containerOf(pod: Pod, asked: string | null): string {
  const names = pod.spec.containers.map((container) => container.name);
  const initial = (pod.spec.initContainers ?? []).map((container) => container.name);
  const ephemeral = (pod.spec.ephemeralContainers ?? []).map((container) => container.name);
  const { name } = pod.metadata;
  if (asked) {
    if ([...names, ...initial, ...ephemeral].includes(asked)) return asked;
    throw badRequest(`container ${asked} is not valid for pod ${name}`);
  }
  const [only] = names;
  if (only !== undefined && names.length === 1 && initial.length === 0) return only;
  const choices = `choose one of: [${names.join(" ")}]`;
  const initChoices = initial.length === 0 ? "" : ` or one of the init containers: [${initial.join(" ")}]`;
  throw badRequest(`a container name must be specified for pod ${name}, ${choices}${initChoices}`);
}

async function beginning(body: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > MAX_MESSAGE_BYTES) break;
  }
  return text.slice(0, MAX_MESSAGE_BYTES);
}
