import type { KubernetesObject, Status } from "@skerry/api";
import { type Clock, describeError, isJsonObject, isSkerryError, type JsonObject, type Random } from "@skerry/base";
import {
  type Application,
  type ApplicationOutcome,
  type ApplicationVerb,
  applicationContent,
  META_SERVER_SOURCE,
  newMessage,
  objectOf,
  parseApplicationOutcome,
  WATCH_SET_RESOURCE,
} from "@skerry/link";
import type { CloudLink } from "../edgehub/cloud-link.ts";
import { type ApiResource, apiVersionOf } from "./api-path.ts";
import type { ListAnswer } from "./object-table.ts";

export interface CloudApiPorts {
  readonly cloudLink: CloudLink;
  readonly clock: Clock;
  readonly random: Random;
  readonly nodeName: string;
}

/** A request for the cloud's Kubernetes API. */
export interface CloudRequest {
  /** See `applicationKey`; or the path of a question about the API server. */
  readonly key: string;
  readonly verb: ApplicationVerb;
  readonly option?: JsonObject;
  readonly body?: string;
  readonly subresource?: string;
}

/** What the cloud said; `unreachable`: nothing that counts, so what is stored here has to do. */
export type CloudReply = ApplicationOutcome | { readonly kind: "unreachable"; readonly reason: string };

/** The cloud gives up after 9 s itself. */
const TIMEOUT_MS = 10_000;

/** Asks the cloud's Kubernetes API, with the rights that it gives this node (wire.md U29, U30). */
export class CloudApi {
  readonly #ports: CloudApiPorts;

  constructor(ports: CloudApiPorts) {
    this.#ports = ports;
  }

  get isConnected(): boolean {
    return this.#ports.cloudLink.state.kind === "connected";
  }

  async ask(request: CloudRequest, signal?: AbortSignal): Promise<CloudReply> {
    return this.apply(this.application(request), signal);
  }

  /** As {@link ask}, for an application that is known already. */
  async apply(application: Application, signal?: AbortSignal): Promise<CloudReply> {
    return this.#send("null", applicationContent(application), parseApplicationOutcome, signal);
  }

  /** The application for a request, under a name of its own. */
  application({ key, verb, option = {}, body, subresource = "" }: CloudRequest): Application {
    const { random, nodeName } = this.#ports;
    const requestBody = body === undefined ? {} : { requestBody: body };
    return { id: random.uuid(), key, verb, nodeName, option, subresource, ...requestBody };
  }

  /** Tells the whole set of watches; answers which of them were refused, by their id. */
  async tellWatches(
    watches: readonly Application[],
  ): Promise<{ readonly kind: "told"; readonly rejected: ReadonlyMap<string, Status> } | CloudReply> {
    const content = Object.fromEntries(watches.map((watch) => [watch.id, applicationContent(watch)]));
    return this.#send(WATCH_SET_RESOURCE, content, (answer) => ({
      kind: "told" as const,
      rejected: rejectedIn(answer),
    }));
  }

  async #send<T>(
    resource: string,
    content: JsonObject,
    read: (content: JsonObject) => T | undefined,
    signal?: AbortSignal,
  ): Promise<T | { readonly kind: "unreachable"; readonly reason: string }> {
    const { cloudLink } = this.#ports;
    const route = { source: META_SERVER_SOURCE, group: "dynamiccontroller", operation: "null", resource };
    try {
      const reply = await cloudLink.request(newMessage(this.#ports, route, content), TIMEOUT_MS, signal);
      const answer = isJsonObject(reply.content) ? read(reply.content) : undefined;
      return answer ?? { kind: "unreachable", reason: "the cloud's answer cannot be understood" };
    } catch (error) {
      if (signal?.aborted || !isSkerryError(error)) throw error;
      return { kind: "unreachable", reason: describeError(error) };
    }
  }
}

/** The refusals in an answer about the whole set of watches. */
export function rejectedIn(content: JsonObject): ReadonlyMap<string, Status> {
  const entries = Object.entries(content).flatMap(([id, value]) => {
    const outcome = value === undefined ? undefined : parseApplicationOutcome(value);
    return outcome?.kind === "rejected" ? [[id, outcome.status] as const] : [];
  });
  return new Map(entries);
}

/** Whether the cloud's refusal says nothing about the request itself: what is stored here is the better answer. */
export function isPassing({ code }: Status): boolean {
  return code >= 500 || code === 429;
}

/** The list in an answer; undefined when it is none. */
export function listIn(
  text: string | undefined,
  resource: ApiResource,
): (ListAnswer & { readonly more: boolean }) | undefined {
  const list: unknown = parsed(text);
  if (!isJsonObject(list) || !isJsonObject(list["metadata"])) return undefined;
  const items = list["items"] ?? [];
  const version = list["metadata"]["resourceVersion"];
  if (!Array.isArray(items) || typeof version !== "string" || !/^[0-9]+$/.test(version)) return undefined;
  const kind = typeof list["kind"] === "string" ? list["kind"].replace(/List$/, "") : "";
  const apiVersion = apiVersionOf(resource);
  const objects = items.flatMap((item) => (isJsonObject(item) ? (objectOf({ apiVersion, kind, ...item }) ?? []) : []));
  const more = list["metadata"]["continue"] !== undefined && list["metadata"]["continue"] !== "";
  return { kind, version, items: objects, length: text?.length ?? 0, more };
}

/** The object in an answer; undefined when it is none. */
export function objectIn(text: string | undefined): KubernetesObject | undefined {
  const value = parsed(text);
  const object = isJsonObject(value) ? objectOf(value) : undefined;
  return object?.metadata.uid ? object : undefined;
}

function parsed(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "");
  } catch {
    return undefined;
  }
}
