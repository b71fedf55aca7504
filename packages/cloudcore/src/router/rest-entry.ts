import { fromBase64, isJsonObject, type JsonObject, type JsonValue, toBase64 } from "@skerry/base";
import { isTopicName } from "@skerry/link";
import type { CloudHubPort } from "../cloudhub/cloud-hub-port.ts";
import type { EdgeAnswer, EdgeCalls } from "./edge-calls.ts";
import { type RestRequest, type RestResponse, textResponse } from "./http-exchange.ts";
import type { ActiveRule, RuleTarget } from "./rule-reading.ts";
import type { RuleTable } from "./rule-table.ts";

export interface RestEntryOptions {
  readonly cloudHub: CloudHubPort;
  readonly calls: EdgeCalls;
  readonly table: () => RuleTable;
  readonly nodeExists: (nodeName: string) => boolean;
  /** Counts what became of a rule's message; without a reason it was done. */
  readonly count: (rule: ActiveRule, failure?: string) => void;
  readonly timeoutMs: number;
}

/** Headers of one hop, or for the router itself; the edge's service does not get them. */
const OWN_HEADERS: ReadonlySet<string> = new Set([
  "authorization",
  "connection",
  "content-length",
  "host",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

const DECODER = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * HTTP requests from the cloud to a node: `/<node>/<namespace>/<path of a rule>[/more]` (cloud.md 6.3). Each is tried
 * once and answered with the edge's own status; KubeEdge repeats what is not 200, and hides the status (14.4, 37).
 */
export class RestEntry {
  readonly #options: RestEntryOptions;

  constructor(options: RestEntryOptions) {
    this.#options = options;
  }

  async handle(request: RestRequest, signal: AbortSignal): Promise<RestResponse> {
    const segments = decodedSegments(request.path);
    if (!segments) return textResponse(400, `The path ${request.path.slice(0, 200)} is not understood.`);
    const [nodeName = "", namespace = "", ...path] = segments;
    const found = this.#options.table().forRequest(namespace, path);
    if (!found)
      return textResponse(404, `No rule of namespace "${namespace}" is for /${path.join("/").slice(0, 200)}.`);
    if (!this.#options.nodeExists(nodeName)) return textResponse(404, `There is no node "${nodeName}".`);
    const { rule, extra } = found;
    const response = await this.#forward(rule.target, nodeName, request, extra, signal);
    this.#options.count(rule, response.status < 400 ? undefined : failureOf(nodeName, response));
    return response;
  }

  #forward(
    target: RuleTarget,
    nodeName: string,
    request: RestRequest,
    extra: readonly string[],
    signal: AbortSignal,
  ): Promise<RestResponse> | RestResponse {
    if (target.kind === "eventbus") return this.#publish(target.topic, nodeName, request, extra, signal);
    if (target.kind === "servicebus") return this.#callService(target, nodeName, request, extra, signal);
    return textResponse(500, "The rule leads from rest to rest.");
  }

  /** A node with Skerry's delivery says whether its broker got the message; KubeEdge's never answers. */
  async #publish(
    topic: string,
    nodeName: string,
    request: RestRequest,
    extra: readonly string[],
    signal: AbortSignal,
  ): Promise<RestResponse> {
    const { calls, cloudHub, timeoutMs } = this.#options;
    const full = [topic, ...extra].join("/");
    if (!isTopicName(full)) return textResponse(400, `"${full.slice(0, 200)}" is no MQTT topic.`);
    let text: string;
    try {
      text = DECODER.decode(request.body);
    } catch {
      return textResponse(415, "The body is not UTF-8 text, and nothing else goes over the link to MQTT.");
    }
    const route = { source: "router_eventbus", group: "user", operation: "publish", resource: full };
    const isAnswered = cloudHub.deliveryOf(nodeName) === "skerry";
    const answer = await calls.call(nodeName, route, text, isAnswered ? timeoutMs : 0, signal);
    if (answer.kind === "timed-out" && !isAnswered) return textResponse(200, "message delivered");
    return answer.kind === "answered" ? serviceResponse(answer.message.content) : noAnswer(nodeName, answer);
  }

  async #callService(
    target: { readonly port: number; readonly path: string },
    nodeName: string,
    request: RestRequest,
    extra: readonly string[],
    signal: AbortSignal,
  ): Promise<RestResponse> {
    const base = target.path === "/" ? "" : target.path;
    const path = `${base}/${extra.map(encodeURIComponent).join("/")}`.replace(/(.)\/$/, "$1") + request.query;
    // KubeEdge's edge splits at every colon (edge.md 15.5, 55).
    const resource = `${target.port}:${path.replaceAll(":", "%3A")}`;
    const headers: Record<string, string[]> = {};
    for (const [name, values] of Object.entries(request.headers))
      if (!OWN_HEADERS.has(name)) headers[name] = [...values];
    const content = { header: headers, body: toBase64(request.body), method: request.method, url: "" };
    const route = { source: "router_servicebus", group: "user", operation: request.method, resource };
    const answer = await this.#options.calls.call(nodeName, route, content, this.#options.timeoutMs, signal);
    return answer.kind === "answered" ? serviceResponse(answer.message.content) : noAnswer(nodeName, answer);
  }
}

/** The segments of a path; undefined when they cannot be read or would lead elsewhere. */
function decodedSegments(path: string): string[] | undefined {
  try {
    const segments = path
      .split("/")
      .filter((segment) => segment !== "")
      .map(decodeURIComponent);
    return segments.some((segment) => segment === "." || segment === "..") ? undefined : segments;
  } catch {
    return undefined;
  }
}

/** The edge's HTTPResponse (wire.md 12.7); whatever a node sends, it becomes a response or says that it is none. */
function serviceResponse(content: JsonValue): RestResponse {
  const parsed = typeof content === "string" ? parsedOrNull(content) : content;
  const status = isJsonObject(parsed) ? parsed["status_code"] : undefined;
  const isStatus = typeof status === "number" && Number.isInteger(status) && status >= 200 && status <= 599;
  if (!isJsonObject(parsed) || !isStatus) return textResponse(502, "The node's answer is not understood.");
  const { body, header } = parsed;
  return {
    status,
    headers: isJsonObject(header) ? responseHeaders(header) : {},
    body: typeof body === "string" ? fromBase64(body) : new Uint8Array(),
  };
}

function parsedOrNull(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return null;
  }
}

function responseHeaders(header: JsonObject): Record<string, readonly string[]> {
  const headers: Record<string, readonly string[]> = {};
  for (const [name, values] of Object.entries(header)) {
    const list = Array.isArray(values) ? values.filter((value) => typeof value === "string") : [];
    const isPlain = /^[A-Za-z0-9-]+$/.test(name) && list.every((value) => /^[\t\x20-\x7e]*$/.test(value));
    if (isPlain && list.length > 0 && !OWN_HEADERS.has(name.toLowerCase())) headers[name.toLowerCase()] = list;
  }
  return headers;
}

function noAnswer(nodeName: string, answer: Exclude<EdgeAnswer, { kind: "answered" }>): RestResponse {
  switch (answer.kind) {
    case "not-connected":
      return textResponse(503, `The node "${nodeName}" is not connected to this CloudCore.`);
    case "timed-out":
      return textResponse(504, `The node "${nodeName}" did not answer in time.`);
    case "too-many":
      return textResponse(503, "Too many requests wait for nodes; try again.");
    case "cancelled":
      return textResponse(503, "CloudCore is stopping, or the request was given up.");
  }
}

function failureOf(nodeName: string, { status, body }: RestResponse): string {
  return `${nodeName}: ${status} ${new TextDecoder().decode(body.subarray(0, 200)).trim()}`;
}
