import { isJsonObject } from "@skerry/base";
import { DYNAMIC_CONTROLLER_SOURCE } from "../application.ts";
import type { Message } from "../message.ts";

/** What an object message is about: the object's UID, or its path when the content has none (wire.md D9). */
export function objectKeyOf(message: Message): string {
  return objectUidOf(message) ?? `path:${message.route.resource ?? ""}`;
}

/**
 * As {@link objectKeyOf}, but what a MetaServer watches by itself: Skerry's edge keeps it beside its own set, so that
 * neither of the two messages stands for the other.
 */
export function separateKeyOf(message: Message): string {
  const isWatched = message.route.source === DYNAMIC_CONTROLLER_SOURCE;
  return isWatched ? `watched:${objectKeyOf(message)}` : objectKeyOf(message);
}

/** The UID of the object in the content. */
export function objectUidOf(message: Message): string | undefined {
  const metadata = isJsonObject(message.content) ? message.content["metadata"] : undefined;
  const uid = isJsonObject(metadata) ? metadata["uid"] : undefined;
  return typeof uid === "string" && uid !== "" ? uid : undefined;
}

/** Whether the message takes the object away from the node. */
export function isDeletion(message: Message): boolean {
  return message.route.operation === "delete";
}

/**
 * The object's version as an unsigned integer of any length; undefined when it has none, or one that cannot be ordered.
 */
export function versionOf(message: Message): bigint | undefined {
  const text = message.header.resourceversion ?? "";
  return /^[0-9]{1,40}$/.test(text) ? BigInt(text) : undefined;
}
