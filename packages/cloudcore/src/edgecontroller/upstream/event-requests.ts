import { type Event, events } from "@skerry/api";
import { isJsonObject, type JsonObject } from "@skerry/base";
import { isApiError, type KubernetesApi } from "@skerry/kube";
import { objectContent, patchContent } from "./content.ts";
import { badRequest, forbidden } from "./refusals.ts";
import type { RequestHandler, UpstreamRequest } from "./request.ts";

/** What {@link eventRequests} needs. */
export interface EventRequestOptions {
  readonly api: KubernetesApi;
  readonly hasPod: (nodeName: string, namespace: string, name: string) => boolean;
}

/** Events of the node: U21. They are never answered: nobody waits for it. An event that arrives twice is stored once. */
export function eventRequests({ api, hasPod }: EventRequestOptions): Record<string, RequestHandler> {
  const named = (request: UpstreamRequest, content: JsonObject): Event => {
    const event = objectContent<Event>(content, events, request.namespace, request.name);
    const { kind, name = "" } = event.involvedObject ?? {};
    if (kind === "Pod" && !hasPod(request.nodeName, request.namespace, name))
      throw forbidden(request.nodeName, `does not run pod "${request.namespace}/${name}"`);
    return { ...event, source: { ...event.source, host: request.nodeName } };
  };
  const target = (request: UpstreamRequest): { resource: typeof events; namespace: string; name: string } => ({
    resource: events,
    namespace: request.namespace,
    name: request.name,
  });

  return {
    "event insert": async (request) => {
      const event = named(request, contentObject(request));
      try {
        await api.create<Event>({ resource: events, namespace: request.namespace }, event);
      } catch (error) {
        if (!isApiError(error, "AlreadyExists")) throw error;
      }
    },
    "event update": async (request) => {
      await api.update<Event>(target(request), named(request, contentObject(request)));
    },
    "event patch": async (request) => {
      const data = contentObject(request)["patchData"];
      if (data === undefined) throw badRequest("the event's patchData is missing");
      const { count, lastTimestamp, message, series } = patchContent(data);
      const body = Object.fromEntries(
        Object.entries({ count, lastTimestamp, message, series }).filter(([, value]) => value !== undefined),
      );
      await api.patch<Event>(target(request), { type: "strategic", body });
    },
  };
}

function contentObject(request: UpstreamRequest): JsonObject {
  if (!isJsonObject(request.content)) throw badRequest("the content is not an event");
  return request.content;
}
