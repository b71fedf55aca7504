import { isJsonObject, type JsonValue } from "@skerry/base";
import type { Message, MessageRoute } from "../../message.ts";
import { type MessageStamp, newMessage } from "../../message-builders.ts";
import type { SetDigest, SetEntry } from "./set-digest.ts";

/** What the cloud wants to know of the objects that a node holds. */
export type SetRequest =
  /** A digest of each type. */
  | { readonly kind: "digest"; readonly types: readonly string[] }
  /** Each object of these types, by name, UID and version. */
  | { readonly kind: "inventory"; readonly types: readonly string[] }
  /** The API server's history is another one (a restored backup): no version that the node knows counts any more. */
  | { readonly kind: "incarnation" };

/** What a node says of the objects that it holds; committed, all of them. */
export type SetReport =
  | { readonly kind: "digest"; readonly requestId: string; readonly digests: ReadonlyMap<string, SetDigest> }
  | {
      readonly kind: "inventory";
      readonly requestId: string;
      /** Counts from 0. */
      readonly page: number;
      readonly isLast: boolean;
      readonly entries: readonly SetEntry[];
    };

/** Entries of one inventory message. */
export const INVENTORY_PAGE = 500;

const MAX_TYPES = 64;
const MAX_TEXT = 1024;

/** The cloud's question to a node. */
export function setRequestMessage(stamp: MessageStamp, request: SetRequest): Message {
  const types = request.kind === "incarnation" ? [] : [...request.types];
  return newMessage(stamp, setRoute(request.kind), { types });
}

/** Reads the cloud's question; undefined when the message is none. */
export function setRequestOf(message: Message): SetRequest | undefined {
  if (!isSetMessage(message) || !isJsonObject(message.content)) return undefined;
  const { operation } = message.route;
  if (operation === "incarnation") return { kind: "incarnation" };
  const types = message.content["types"];
  if ((operation !== "digest" && operation !== "inventory") || !isTextList(types) || types.length > MAX_TYPES)
    return undefined;
  return { kind: operation, types };
}

/** A node's answer to a digest request. */
export function digestReport(stamp: MessageStamp, requestId: string, digests: ReadonlyMap<string, SetDigest>): Message {
  const content = Object.fromEntries(
    [...digests].map(([type, { count, sum, highest }]) => [type, { count, sum, highest }]),
  );
  return newMessage(stamp, setRoute("digest"), { digests: content }, { parentId: requestId });
}

/** A node's answer to an inventory request; at least one message, also when there is nothing. */
export function inventoryReports(stamp: MessageStamp, requestId: string, entries: readonly SetEntry[]): Message[] {
  const pages = Math.max(1, Math.ceil(entries.length / INVENTORY_PAGE));
  return Array.from({ length: pages }, (_, page) => {
    const content = {
      page,
      last: page === pages - 1,
      entries: entries
        .slice(page * INVENTORY_PAGE, (page + 1) * INVENTORY_PAGE)
        .map(({ type, namespace, name, uid, resourceVersion }) => [type, namespace, name, uid, resourceVersion]),
    };
    return newMessage(stamp, setRoute("inventory"), content, { parentId: requestId });
  });
}

/** Reads a node's answer; undefined when it is none, or not well formed. */
export function setReportOf(message: Message): SetReport | undefined {
  const { content, route } = message;
  const requestId = message.header.parent_msg_id ?? "";
  if (!isSetMessage(message) || requestId === "" || !isJsonObject(content)) return undefined;
  if (route.operation === "digest") {
    const digests = readDigests(content["digests"]);
    return digests && { kind: "digest", requestId, digests };
  }
  const { page, last, entries } = content;
  if (route.operation !== "inventory" || !Number.isSafeInteger(page) || typeof last !== "boolean") return undefined;
  if (!Array.isArray(entries) || entries.length > INVENTORY_PAGE) return undefined;
  const read: SetEntry[] = [];
  for (const entry of entries) {
    if (!isTextList(entry) || entry.length !== 5) return undefined;
    const [type = "", namespace = "", name = "", uid = "", resourceVersion = ""] = entry;
    read.push({ type, namespace, name, uid, resourceVersion });
  }
  return { kind: "inventory", requestId, page: Number(page), isLast: last, entries: read };
}

/** Whether the message is about the set as such. */
export function isSetMessage(message: Message): boolean {
  return message.route.source === "skerry" && message.route.group === "set";
}

function setRoute(operation: SetRequest["kind"]): MessageRoute {
  return { source: "skerry", group: "set", operation, resource: "set" };
}

function readDigests(content: JsonValue | undefined): Map<string, SetDigest> | undefined {
  if (!isJsonObject(content)) return undefined;
  const digests = new Map<string, SetDigest>();
  for (const [type, digest] of Object.entries(content)) {
    if (digests.size >= MAX_TYPES || !isJsonObject(digest)) return undefined;
    const { count, sum, highest } = digest;
    if (typeof count !== "number" || typeof sum !== "string" || typeof highest !== "string") return undefined;
    if (!/^[0-9a-f]{16}$/.test(sum) || !/^[0-9]{1,40}$/.test(highest)) return undefined;
    digests.set(type, { count, sum, highest });
  }
  return digests;
}

function isTextList(value: JsonValue | undefined): value is string[] {
  return Array.isArray(value) && value.every((text) => typeof text === "string" && text.length <= MAX_TEXT);
}
