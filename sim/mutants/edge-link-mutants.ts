import { isJsonObject, sleep } from "@skerry/base";
import type { MqttConnector } from "@skerry/edgecore";
import { decodeMessage, encodeMessage, errorStatusOf, type LinkDialer, type Message, setRequestOf } from "@skerry/link";
import { withConnection } from "../world/mortal-link.ts";
import { answerTo } from "./answer.ts";
import type { Mutant, MutatedEdge } from "./mutant.ts";

/** Bugs in what the edge says and hears. */
export const EDGE_LINK_MUTANTS: readonly Mutant[] = [
  {
    name: "in-flight-dropped",
    description: "a report counts as delivered once it is sent; a cut loses it (KubeEdge)",
    mutateDialer: answeringWhenSent,
  },
  {
    name: "acknowledged-though-not-stored",
    description: "the edge acknowledges an object that it could not store (KubeEdge)",
    mutateDialer: (dialer) => rewritingFrames(dialer, { up: acknowledgingFailures }),
  },
  {
    name: "error-stored-as-config-map",
    description: "the answer that there is no such ConfigMap is stored as an empty ConfigMap (KubeEdge)",
    mutateDialer: (dialer) => rewritingFrames(dialer, { down: emptyConfigMapForError }),
  },
  {
    name: "deletion-by-name",
    description: "a deletion deletes whatever has the name, whatever UID it names (KubeEdge)",
    mutateDialer: (dialer, edge) => rewritingFrames(dialer, { down: (message) => deletingByName(message, edge) }),
  },
  {
    name: "restored-cluster-ignored",
    description: "the node does not forget its versions when the cluster was restored from a backup",
    protocol: "skerry",
    mutateDialer: (dialer) =>
      rewritingFrames(dialer, {
        down: (message) => (setRequestOf(message)?.kind === "incarnation" ? undefined : message),
      }),
  },
  {
    name: "dead-link-not-noticed",
    description: "the edge takes its own ping for a sign of life: a cloud that lost its power is waited for, for ever",
    protocol: "skerry",
    mutateDialer: answeringPings,
  },
  {
    name: "first-value-lost",
    description: "the first value after each connection to the broker is answered and forgotten (KubeEdge)",
    mutateMqtt: losingFirstValue,
  },
  {
    name: "restart-waits-for-network",
    description: "EdgeCore starts what it knows only when it reaches the cloud",
    beforeStart: async ({ clock, isCloudReachable }) => {
      while (!isCloudReachable()) await sleep(clock, 500);
    },
  },
];

type Rewrite = (message: Message) => Message | undefined;

/** Changes messages, or drops them, on their way up or down. */
function rewritingFrames(dialer: LinkDialer, { up, down }: { up?: Rewrite; down?: Rewrite }): LinkDialer {
  return {
    dial: async (url, headers, signal) => {
      const connection = await dialer.dial(url, headers, signal);
      return withConnection(connection, {
        start: (handlers) =>
          connection.start({
            ...handlers,
            onFrame: (text) => {
              const message = down ? down(decodeMessage(text)) : decodeMessage(text);
              if (message) handlers.onFrame(encodeMessage(message));
            },
          }),
        send: (text) => {
          const message = up ? up(decodeMessage(text)) : decodeMessage(text);
          if (message) connection.send(encodeMessage(message));
        },
      });
    },
  };
}

function acknowledgingFailures(message: Message): Message {
  if (message.route.operation !== "error") return message;
  return { ...message, route: { ...message.route, operation: "response" }, content: "OK" };
}

function emptyConfigMapForError(message: Message): Message {
  const [namespace = "", type, name = ""] = (message.route.resource ?? "").split("/");
  if (message.route.operation !== "response" || type !== "configmap" || !errorStatusOf(message.content)) return message;
  const metadata = { name, namespace, uid: `nobody-${name}`, resourceVersion: "1" };
  return { ...message, content: { apiVersion: "v1", kind: "ConfigMap", metadata, data: {} } };
}

function deletingByName(message: Message, edge: MutatedEdge): Message {
  if (message.route.operation !== "delete" || !isJsonObject(message.content)) return message;
  const { content } = message;
  const stored = edge.inspect((reader) =>
    reader.first(
      "SELECT json_extract(value, '$.metadata.uid') AS uid FROM meta WHERE key = ?",
      message.route.resource ?? "",
    ),
  );
  if (!stored || !isJsonObject(content["metadata"])) return message;
  return { ...message, content: { ...content, metadata: { ...content["metadata"], uid: String(stored["uid"]) } } };
}

function answeringPings(dialer: LinkDialer): LinkDialer {
  return {
    dial: async (url, headers, signal) => {
      const connection = await dialer.dial(url, headers, signal);
      let onAlive: (() => void) | undefined;
      return withConnection(connection, {
        start: (handlers) => {
          onAlive = () => handlers.onAlive?.();
          connection.start(handlers);
        },
        ping: () => {
          connection.ping();
          queueMicrotask(() => onAlive?.());
        },
      });
    },
  };
}

function losingFirstValue(mqtt: MqttConnector): MqttConnector {
  return {
    broker: mqtt.broker,
    connect: async (topicFilters, handlers, signal) => {
      let isFirst = true;
      const session = await mqtt.connect(
        topicFilters,
        {
          ...handlers,
          onMessage: async (message) => {
            if (!isFirst || !message.topic.endsWith("/twin/update")) return handlers.onMessage(message);
            isFirst = false;
            const { event_id } = JSON.parse(new TextDecoder().decode(message.payload)) as { event_id: string };
            await session.publish(`${message.topic}/result`, JSON.stringify({ event_id, timestamp: 0, twin: {} }));
          },
        },
        signal,
      );
      return session;
    },
  };
}

/** Each report that would have to be answered by the cloud is answered by the sender itself, as soon as it is sent. */
function answeringWhenSent(dialer: LinkDialer): LinkDialer {
  return {
    dial: async (url, headers, signal) => {
      const connection = await dialer.dial(url, headers, signal);
      let onFrame: ((text: string) => void) | undefined;
      return withConnection(connection, {
        start: (handlers) => {
          onFrame = (text) => handlers.onFrame(text);
          connection.start(handlers);
        },
        send: (text) => {
          connection.send(text);
          const message = decodeMessage(text);
          if (!isReport(message)) return;
          queueMicrotask(() => onFrame?.(encodeMessage(answerTo(message))));
        },
      });
    },
  };
}

function isReport({ route, header }: Message): boolean {
  const resource = route.resource ?? "";
  return header.parent_msg_id === undefined && (resource.includes("/podpatch/") || resource.endsWith("/edge_updated"));
}
