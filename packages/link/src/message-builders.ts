import type { Clock, JsonValue, Random } from "@skerry/base";
import type { Message, MessageRoute } from "./message.ts";

/** What gives a message its time and id. */
export interface MessageStamp {
  readonly clock: Clock;
  readonly random: Random;
}

export interface MessageOptions {
  /** Version of the object in the content. */
  readonly resourceVersion?: string;
  /** Id of the message that this one answers. */
  readonly parentId?: string;
}

/** A new message. */
export function newMessage(
  stamp: MessageStamp,
  route: MessageRoute,
  content: JsonValue,
  options: MessageOptions = {},
): Message {
  return {
    header: {
      msg_id: stamp.random.uuid(),
      ...(options.parentId ? { parent_msg_id: options.parentId } : {}),
      timestamp: stamp.clock.now(),
      ...(options.resourceVersion ? { resourceversion: options.resourceVersion } : {}),
    },
    route,
    content,
  };
}

/**
 * The answer to `request`: its id as parent, its source, group and resource copied (wire.md 2.2). The cloud's
 * controllers give a `route` of their own.
 */
export function responseTo(
  stamp: MessageStamp,
  request: Message,
  content: JsonValue,
  options: { readonly resourceVersion?: string; readonly route?: MessageRoute } = {},
): Message {
  return newMessage(
    stamp,
    { ...copiedRoute(request), ...options.route, operation: "response" },
    content,
    parentOf(request, options.resourceVersion),
  );
}

/** The acknowledgement of an object message: a response with the content `"OK"` (wire.md 13.2). */
export function acknowledgementOf(stamp: MessageStamp, message: Message, route: MessageRoute = {}): Message {
  return responseTo(stamp, message, "OK", { route });
}

/** Says that `request` failed: operation `error`, a plain text as content (wire.md 2.2). */
export function errorFor(stamp: MessageStamp, request: Message, text: string, route: MessageRoute = {}): Message {
  return newMessage(
    stamp,
    { ...copiedRoute(request), ...route, operation: "error" },
    text,
    parentOf(request, undefined),
  );
}

/** The edge's sign of life (wire.md 5.3). */
export function keepaliveMessage(stamp: MessageStamp): Message {
  return newMessage(
    stamp,
    { source: "websocket", group: "resource", operation: "keepalive", resource: "node" },
    "ping",
  );
}

function copiedRoute(message: Message): MessageRoute {
  const { source, group, resource } = message.route;
  return { ...(source ? { source } : {}), ...(group ? { group } : {}), ...(resource ? { resource } : {}) };
}

function parentOf(request: Message, resourceVersion: string | undefined): MessageOptions {
  return { parentId: request.header.msg_id, ...(resourceVersion ? { resourceVersion } : {}) };
}
