import { type Event, events } from "@skerry/api";
import { type Clock, isJsonObject, type JsonObject } from "@skerry/base";
import { ApiError, failureStatus, isApiError, type KubernetesApi } from "@skerry/kube";
import { objectContent, patchContent } from "./content.ts";
import { EventShare } from "./event-share.ts";
import { badRequest, forbidden } from "./refusals.ts";
import type { RequestHandler, UpstreamRequest } from "./request.ts";

/** What {@link eventRequests} needs. */
export interface EventRequestOptions {
  readonly api: KubernetesApi;
  readonly hasPod: (nodeName: string, namespace: string, name: string) => boolean;
  readonly clock: Clock;
}

/** Events of the node: U21. An event that arrives twice is stored once, the one with the higher count; who answers is {@link UpstreamRequests}. */
export function eventRequests({ api, hasPod, clock }: EventRequestOptions): Record<string, RequestHandler> {
  const share = new EventShare(clock);
  const takeShare = ({ nodeName }: UpstreamRequest): void => {
    if (!share.take(nodeName)) throw tooMany(nodeName);
  };
  const named = (request: UpstreamRequest): Event => {
    const event = objectContent<Event>(request, events);
    const { kind, name = "" } = event.involvedObject ?? {};
    const isOwn =
      kind === "Pod" ? hasPod(request.nodeName, request.namespace, name) : kind === "Node" && name === request.nodeName;
    if (!isOwn) throw forbidden(request.nodeName, `may not write events about ${kind} "${request.namespace}/${name}"`);
    return { ...event, source: { ...event.source, host: request.nodeName } };
  };
  /** Names of events do not tell whose they are: `a.b.1` may be about pod `a` or `a.b`. */
  const requireOwn = async (request: UpstreamRequest): Promise<void> => {
    const { source } = await api.get<Event>(target(request));
    if (source?.host !== request.nodeName)
      throw forbidden(request.nodeName, `did not write event "${request.namespace}/${request.name}"`);
  };
  /** An edge whose first telling was not answered yet cannot know that the event is here already. */
  const bringUpToDate = async (request: UpstreamRequest, event: Event): Promise<void> => {
    const { source, count = 1 } = await api.get<Event>(target(request));
    if (source?.host === request.nodeName && (event.count ?? 1) > count)
      await api.update<Event>(target(request), event);
  };
  const target = (request: UpstreamRequest): { resource: typeof events; namespace: string; name: string } => ({
    resource: events,
    namespace: request.namespace,
    name: request.name,
  });

  return {
    "event insert": async (request) => {
      takeShare(request);
      const event = named(request);
      try {
        await api.create<Event>({ resource: events, namespace: request.namespace }, event);
      } catch (error) {
        if (!isApiError(error, "AlreadyExists")) throw error;
        await bringUpToDate(request, event);
      }
    },
    "event update": async (request) => {
      takeShare(request);
      const event = named(request);
      await requireOwn(request);
      await api.update<Event>(target(request), event);
    },
    "event patch": async (request) => {
      takeShare(request);
      const data = contentObject(request)["patchData"];
      if (data === undefined) throw badRequest("the event's patchData is missing");
      const { count, lastTimestamp, message, series } = patchContent(data);
      const body = Object.fromEntries(
        Object.entries({ count, lastTimestamp, message, series }).filter(([, value]) => value !== undefined),
      );
      await requireOwn(request);
      await api.patch<Event>(target(request), { type: "strategic", body });
    },
  };
}

function contentObject(request: UpstreamRequest): JsonObject {
  if (!isJsonObject(request.content)) throw badRequest("the content is not an event");
  return request.content;
}

function tooMany(nodeName: string): ApiError {
  return new ApiError(failureStatus(429, "TooManyRequests", `node "${nodeName}" writes too many events`));
}
