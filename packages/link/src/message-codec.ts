import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import { messageInvalid, messageTooDeep, messageTooLarge } from "./errors.ts";
import type { Message, MessageHeader, MessageRoute } from "./message.ts";

/** Bounds for what is decoded; a peer can send anything. */
export interface MessageLimits {
  readonly maxBytes: number;
  /** Levels of nested arrays and objects, the message itself included. */
  readonly maxDepth: number;
}

/** KubeEdge knows no limit; Kubernetes' largest objects have about 1.5 MiB. */
export const DEFAULT_MESSAGE_LIMITS: MessageLimits = { maxBytes: 4 * 1024 * 1024, maxDepth: 128 };

/** Characters that Go's encoder writes as escapes, so that recordings compare byte for byte. */
const GO_ESCAPED: RegExp = /[<>&\u2028\u2029]/g;

/**
 * One text frame: compact JSON with a final line end, members in Go's order, empty ones left out (wire.md 2.1, 3.3).
 */
export function encodeMessage(message: Message): string {
  const { header, route } = message;
  const plain = {
    header: {
      msg_id: header.msg_id,
      parent_msg_id: header.parent_msg_id || undefined,
      timestamp: header.timestamp,
      resourceversion: header.resourceversion || undefined,
      sync: header.sync || undefined,
      type: header.type || undefined,
      traceparent: header.traceparent || undefined,
    },
    route: {
      source: route.source || undefined,
      destination: route.destination || undefined,
      group: route.group || undefined,
      operation: route.operation || undefined,
      resource: route.resource || undefined,
    },
    content: message.content,
  };
  const escaped = JSON.stringify(plain).replace(
    GO_ESCAPED,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return `${escaped}\n`;
}

/**
 * Reads one text frame. Member names are matched as Go does, without regard to case; unknown members are ignored;
 * a missing or null member has its zero value (KubeEdge's edge sends a message of zero values when it stops, U35).
 * @throws SkerryError `LINK_MESSAGE_TOO_LARGE`, `LINK_MESSAGE_TOO_DEEP`, `LINK_MESSAGE_INVALID`
 */
export function decodeMessage(frame: string, limits: MessageLimits = DEFAULT_MESSAGE_LIMITS): Message {
  // Every character has at least one byte: most frames are settled without counting.
  if (frame.length > limits.maxBytes || frame.length * 3 > limits.maxBytes) {
    const sizeBytes = Buffer.byteLength(frame);
    if (sizeBytes > limits.maxBytes) throw messageTooLarge(sizeBytes, limits.maxBytes);
  }
  checkDepth(frame, limits.maxDepth);
  let parsed: unknown;
  try {
    parsed = JSON.parse(frame);
  } catch (error) {
    throw messageInvalid("it is no JSON", error);
  }
  const members = foldedMembers(parsed, "the message");
  return {
    header: decodeHeader(foldedMembers(members.get("header") ?? {}, "its header")),
    route: decodeRoute(foldedMembers(members.get("route") ?? {}, "its route")),
    content: members.get("content") ?? null,
  };
}

function decodeHeader(members: ReadonlyMap<string, JsonValue>): MessageHeader {
  const timestamp = members.get("timestamp") ?? 0;
  if (typeof timestamp !== "number" || !Number.isSafeInteger(timestamp))
    throw messageInvalid("header.timestamp is no whole number");
  const sync = members.get("sync") ?? false;
  if (typeof sync !== "boolean") throw messageInvalid("header.sync is neither true nor false");
  const header: MessageHeader = { msg_id: textMember(members, "msg_id", "header"), timestamp };
  const parent = textMember(members, "parent_msg_id", "header");
  const resourceVersion = textMember(members, "resourceversion", "header");
  const type = textMember(members, "type", "header");
  const traceparent = textMember(members, "traceparent", "header");
  if (traceparent) header.traceparent = traceparent;
  if (parent) header.parent_msg_id = parent;
  if (resourceVersion) header.resourceversion = resourceVersion;
  if (sync) header.sync = sync;
  if (type) header.type = type;
  return header;
}

function decodeRoute(members: ReadonlyMap<string, JsonValue>): MessageRoute {
  const route: MessageRoute = {};
  for (const name of ["source", "destination", "group", "operation", "resource"] as const) {
    const value = textMember(members, name, "route");
    if (value) route[name] = value;
  }
  return route;
}

function textMember(members: ReadonlyMap<string, JsonValue>, name: string, owner: string): string {
  const value = members.get(name) ?? "";
  if (typeof value !== "string") throw messageInvalid(`${owner}.${name} is no text`);
  return value;
}

/** The object's members by lower-case name; of several spellings the last counts, as in Go. Null members count as absent. */
function foldedMembers(value: unknown, what: string): Map<string, JsonValue> {
  if (value === null) return new Map();
  if (!isJsonObject(value)) throw messageInvalid(`${what} is no JSON object`);
  const members = new Map<string, JsonValue>();
  for (const [name, member] of Object.entries(value as JsonObject))
    if (member !== undefined && member !== null) members.set(name.toLowerCase(), member);
  return members;
}

/** Looks at the text, not at the parsed value, so that a hostile frame costs no memory. */
function checkDepth(frame: string, maxDepth: number): void {
  let depth = 0;
  let inText = false;
  for (let index = 0; index < frame.length; index++) {
    const character = frame.charCodeAt(index);
    if (inText) {
      if (character === BACKSLASH) index++;
      else if (character === QUOTE) inText = false;
    } else if (character === QUOTE) inText = true;
    else if (character === OPEN_BRACE || character === OPEN_BRACKET) {
      if (++depth > maxDepth) throw messageTooDeep(maxDepth);
    } else if (character === CLOSE_BRACE || character === CLOSE_BRACKET) depth--;
  }
}

const QUOTE = 0x22;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
