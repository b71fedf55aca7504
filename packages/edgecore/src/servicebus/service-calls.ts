import { type Clock, describeError, fromBase64, isJsonObject, type JsonObject, type Random } from "@skerry/base";
import type { Message } from "@skerry/link";
import { answerInWords, type ServiceResponse, serviceAnswer } from "../rules/index.ts";
import type { LoopbackHttpClient } from "./http-ports.ts";

export interface ServiceCallsPorts {
  readonly client: LoopbackHttpClient;
  readonly send: (message: Message) => void;
  readonly clock: Clock;
  readonly random: Random;
}

/** Calls that may be under way at once; further ones are turned away. */
const LIMIT = 32;
/** As KubeEdge waits. */
const TIMEOUT_MS = 10_000;
/** As base64 within a message of the link, whose limit is 4 MiB. */
const MAXIMUM_ANSWER_BYTES = 2 * 1024 * 1024;
const METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
/** Headers that belong to one hop. */
const HOP_HEADERS: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "host",
  "transfer-encoding",
  "upgrade",
]);

/** The cloud's calls of HTTP services of this node (wire.md D23): only of 127.0.0.1, each answered. */
export class ServiceCalls implements AsyncDisposable {
  readonly #ports: ServiceCallsPorts;
  readonly #running = new Set<Promise<void>>();
  readonly #stop = new AbortController();
  #turnedAwayCount = 0;

  constructor(ports: ServiceCallsPorts) {
    this.#ports = ports;
  }

  get turnedAwayCount(): number {
    return this.#turnedAwayCount;
  }

  /** Begins a call; its answer is sent when it is there. */
  begin(message: Message): void {
    if (this.#running.size >= LIMIT) {
      this.#turnedAwayCount++;
      this.#answer(message, answerInWords(503, `${LIMIT} calls of services of this node are under way already.`));
      return;
    }
    const running = this.#call(message).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#running);
  }

  async #call(message: Message): Promise<void> {
    const { resource = "" } = message.route;
    const colon = resource.indexOf(":");
    const port = Number(resource.slice(0, colon));
    const path = resource.slice(colon + 1);
    const call = readCall(message);
    if (colon < 1 || !Number.isInteger(port) || port < 1 || port > 65_535 || !/^\/[\x21-\x7e]*$/.test(path) || !call) {
      this.#answer(message, answerInWords(400, `"${resource.slice(0, 200)}" is no port and path of this node.`));
      return;
    }
    const limits = { timeoutMs: TIMEOUT_MS, maximumAnswerBytes: MAXIMUM_ANSWER_BYTES, signal: this.#stop.signal };
    try {
      this.#answer(message, await this.#ports.client.request({ port, path, ...call, ...limits }));
    } catch (error) {
      this.#answer(message, answerInWords(502, describeError(error)));
    }
  }

  #answer(message: Message, response: ServiceResponse): void {
    try {
      this.#ports.send(serviceAnswer(this.#ports, message, "servicebus", response));
    } catch {
      // The link is down: whoever asked has been told so by the cloud.
    }
  }
}

function readCall(
  message: Message,
): Pick<Parameters<LoopbackHttpClient["request"]>[0], "method" | "headers" | "body"> | undefined {
  const { content } = message;
  const parsed = typeof content === "string" ? parsedOrUndefined(content) : content;
  if (!isJsonObject(parsed)) return undefined;
  const method = String(parsed["method"] ?? "").toUpperCase();
  if (!METHODS.has(method)) return undefined;
  const { header, body } = parsed;
  return {
    method,
    headers: isJsonObject(header) ? plainHeaders(header) : {},
    body: typeof body === "string" ? fromBase64(body) : new Uint8Array(),
  };
}

function plainHeaders(header: JsonObject): Record<string, readonly string[]> {
  const headers: Record<string, readonly string[]> = {};
  for (const [name, values] of Object.entries(header)) {
    const list = Array.isArray(values) ? values.filter((value) => typeof value === "string") : [];
    const isPlain = /^[A-Za-z0-9-]+$/.test(name) && list.every((value) => /^[\t\x20-\x7e]*$/.test(value));
    if (isPlain && list.length > 0 && !HOP_HEADERS.has(name.toLowerCase())) headers[name.toLowerCase()] = list;
  }
  headers["accept"] ??= ["*/*"];
  return headers;
}

function parsedOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
