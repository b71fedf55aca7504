import type { KubernetesObject, ObjectList } from "@skerry/api";
import type { Clock, Timer } from "@skerry/base";
import { ApiError, type CollectionTarget, failureStatus, type KubernetesApi, type ObjectTarget } from "@skerry/kube";
import {
  acknowledgementFor,
  decodeMessage,
  encodeMessage,
  type LinkConnection,
  type LinkListen,
  type Message,
} from "@skerry/link";
import { withConnection } from "../world/mortal-link.ts";
import { answerTo } from "./answer.ts";
import { hearingOthers } from "./heard-messages.ts";
import type { Mutant } from "./mutant.ts";

/** Bugs in CloudCore. */
export const CLOUD_MUTANTS: readonly Mutant[] = [
  {
    name: "acknowledged-when-sent",
    description: "the cloud counts an object as stored once it is sent; a crash of the edge loses it",
    mutateListen: acknowledgingWhenSent,
  },
  {
    name: "stalled-behind-one-object",
    description:
      "objects go one at a time, and one that cannot be stored holds up all others for 40 s (KubeEdge: 25 s)",
    mutateListen: oneAtATime,
  },
  {
    name: "sent-to-another-node",
    description: "what one node should hold is sent to another one as well",
    mutateListen: sendingToAnother,
  },
  {
    name: "older-session-heard",
    description: "what a node said in an older session is taken in the newer one",
    mutateListen: hearingOlderSessions,
  },
  {
    name: "inventory-of-before",
    description: "CloudCore believes what a node said of its objects in its first session, in every later one",
    protocol: "skerry",
    mutateListen: believingFirstReports,
  },
  {
    name: "deletion-without-consistent-read",
    description: "an object that a lagging cache does not show is deleted at the node without asking the API server",
    mutateApi: readingFromLists,
  },
  {
    name: "watch-gap-hidden",
    description: "a watch that broke goes on from now, not from where it was",
    mutateApi: watchingFromNow,
  },
  {
    name: "epoch-not-shared",
    description: "each CloudCore counts the sessions' epochs by itself: an older session never ends",
    mutateApi: keepingLeasesToItself,
  },
];

/** Each object that the node would have to acknowledge is acknowledged by CloudCore itself, as soon as it is sent. */
function acknowledgingWhenSent(listen: LinkListen): LinkListen {
  return (onConnection, admit) =>
    listen((connection) => {
      let onFrame: ((text: string) => void) | undefined;
      onConnection(
        withConnection(connection, {
          start: (handlers) => {
            onFrame = (text) => handlers.onFrame(text);
            connection.start(handlers);
          },
          send: (text) => {
            connection.send(text);
            const message = decodeMessage(text);
            if (acknowledgementFor(message) !== "required") return;
            queueMicrotask(() => onFrame?.(encodeMessage(answerTo(message))));
          },
        }),
      );
    }, admit);
}

const STALL_MS = 40_000;

function oneAtATime(listen: LinkListen, clock: Clock): LinkListen {
  return (onConnection, admit) =>
    listen((connection) => {
      const waiting: string[] = [];
      let outstanding: string | undefined;
      let timer: Timer | undefined;
      const next = (): void => {
        timer?.cancel();
        outstanding = undefined;
        const text = waiting.shift();
        if (text === undefined) return;
        outstanding = decodeMessage(text).header.msg_id;
        timer = clock.setTimer(STALL_MS, next);
        connection.send(text);
      };
      onConnection(
        withConnection(connection, {
          start: (handlers) =>
            connection.start({
              ...handlers,
              onFrame: (text) => {
                const { header, route } = decodeMessage(text);
                if (route.operation === "response" && header.parent_msg_id === outstanding) next();
                handlers.onFrame(text);
              },
            }),
          send: (text) => {
            if (acknowledgementFor(decodeMessage(text)) !== "required") return connection.send(text);
            waiting.push(text);
            if (outstanding === undefined) next();
          },
        }),
      );
    }, admit);
}

function sendingToAnother(listen: LinkListen): LinkListen {
  const connections = new Map<string, LinkConnection>();
  return (onConnection, admit) =>
    listen((connection) => {
      const { name } = connection.peer;
      connections.set(name, connection);
      onConnection(
        withConnection(connection, {
          send: (text) => {
            connection.send(text);
            if (!decodeMessage(text).route.resource?.includes("/pod/")) return;
            for (const [node, other] of connections) if (node !== name) other.send(text);
          },
        }),
      );
    }, admit);
}

function hearingOlderSessions(listen: LinkListen): LinkListen {
  const newest = new Map<string, (text: string) => void>();
  return (onConnection, admit) =>
    listen((connection) => {
      const { name } = connection.peer;
      onConnection(
        withConnection(connection, {
          start: (handlers) => {
            newest.set(name, (text) => handlers.onFrame(text));
            connection.start({ ...handlers, onFrame: (text) => newest.get(name)?.(text) });
          },
          // It is not closed, so that what is on its way still comes.
          close: () => {},
        }),
      );
    }, admit);
}

function believingFirstReports(listen: LinkListen): LinkListen {
  const first = new Map<string, Message["content"]>();
  return hearingOthers(listen, ({ peer }) => (message) => {
    const { operation } = message.route;
    if (operation !== "digest" && operation !== "inventory") return message;
    const key = `${peer.name} ${operation}`;
    const content = first.get(key) ?? message.content;
    first.set(key, content);
    return { ...message, content };
  });
}

/** An API like the given one; members of `changes` take the place of its own. */
function withApi(api: KubernetesApi, changes: Partial<KubernetesApi>): KubernetesApi {
  return {
    get: (target, signal) => api.get(target, signal),
    list: (target, options) => api.list(target, options),
    watch: (target, options) => api.watch(target, options),
    create: (target, object, options) => api.create(target, object, options),
    createSubresource: (target, object, options) => api.createSubresource(target, object, options),
    update: (target, object, options) => api.update(target, object, options),
    patch: (target, patch, options) => api.patch(target, patch, options),
    delete: (target, options) => api.delete(target, options),
    ...changes,
  };
}

function readingFromLists(api: KubernetesApi): KubernetesApi {
  const lists = new Map<string, ObjectList<KubernetesObject>>();
  return withApi(api, {
    list: async <T extends KubernetesObject>(
      target: CollectionTarget,
      options?: Parameters<KubernetesApi["list"]>[1],
    ) => {
      const list = await api.list<T>(target, options);
      lists.set(target.resource.resource, list);
      return list;
    },
    get: <T extends KubernetesObject>(target: ObjectTarget, signal?: AbortSignal) => {
      const list = lists.get(target.resource.resource);
      if (target.resource.resource !== "pods" || !list) return api.get<T>(target, signal);
      const found = list.items.find(({ metadata }) => metadata.name === target.name);
      if (found) return Promise.resolve(found as T);
      return Promise.reject(new ApiError(failureStatus(404, "NotFound", "not in the list")));
    },
  });
}

function watchingFromNow(api: KubernetesApi): KubernetesApi {
  const isResumed = new Set<string>();
  return withApi(api, {
    watch: async function* <T extends KubernetesObject>(
      target: CollectionTarget,
      options: Parameters<KubernetesApi["watch"]>[1],
    ) {
      const { resource } = target.resource;
      const isAgain = isResumed.has(resource);
      isResumed.add(resource);
      const now = isAgain ? (await api.list(target, { limit: 1 })).metadata.resourceVersion : options.resourceVersion;
      yield* api.watch<T>(target, { ...options, resourceVersion: now });
    },
  });
}

function keepingLeasesToItself(api: KubernetesApi): KubernetesApi {
  const own = new Map<string, KubernetesObject>();
  return withApi(api, {
    get: async <T extends KubernetesObject>(target: ObjectTarget, signal?: AbortSignal) => {
      const kept = target.resource.resource === "leases" ? own.get(target.name) : undefined;
      return kept ? (kept as T) : api.get<T>(target, signal);
    },
    update: async <T extends KubernetesObject>(
      target: ObjectTarget,
      object: T,
      options?: Parameters<KubernetesApi["update"]>[2],
    ) => {
      if (target.resource.resource !== "leases") return api.update(target, object, options);
      own.set(target.name, object);
      return object;
    },
  });
}
