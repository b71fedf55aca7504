import type { LinkConnection, LinkDialer, LinkListen } from "@skerry/link";
import { withConnection } from "./mortal-link.ts";

/** Of which version a process is; `older`: before samples were sent, or before they said what the cloud has. */
export type ProcessVersion = "older" | "current" | "newer";

/** After so many messages a newer process sends one that nobody else knows. */
const UNKNOWN_EVERY = 5;
const TELEMETRY = "telemetry";

/** A frame as JSON; its parts are objects. */
type Frame = Record<"header" | "route", Record<string, unknown>> & { content?: unknown };
type Change = (frame: Frame) => void;

/** The dialler of an EdgeCore of that version. */
export function dialingAs(version: ProcessVersion, dialer: LinkDialer): LinkDialer {
  if (version === "current") return dialer;
  return {
    dial: async (url, headers, signal) => {
      if (version === "older") return rewriting(await dialer.dial(url, headers, signal), { up: notSayingAfter });
      return sendingUnknown(await dialer.dial(url, { ...headers, "skerry-future": "1" }, signal));
    },
  };
}

/** The listener of a CloudCore of that version. */
export function listeningAs(version: ProcessVersion, listen: LinkListen): LinkListen {
  if (version === "current") return listen;
  return (onConnection, admit) =>
    listen(
      (connection) =>
        onConnection(
          version === "older" ? rewriting(connection, { down: notKnowingSamples }) : sendingUnknown(connection),
        ),
      admit,
    );
}

function notSayingAfter({ route, content }: Frame): void {
  if (route["source"] === TELEMETRY && isObject(content)) delete content["after"];
}

/** To an older CloudCore the message is one of a source that it has never heard of. */
function notKnowingSamples({ route }: Frame): void {
  if (route["source"] === TELEMETRY) route["source"] = "of-a-newer-version";
}

/** Members that nobody else knows, in every part; and, now and then, a message that nobody else knows. */
function sendingUnknown(connection: LinkConnection): LinkConnection {
  let sent = 0;
  const send = (text: string): void => {
    const frame = JSON.parse(text) as Frame;
    const { header, route, content } = frame;
    header["future"] = { is: "unwritten" };
    route["future"] = "unwritten";
    if (isObject(content)) content["future"] = ["unwritten"];
    connection.send(JSON.stringify(frame));
    if (++sent % UNKNOWN_EVERY > 0) return;
    const id = `future-${header["msg_id"]}`;
    connection.send(
      JSON.stringify({
        header: { msg_id: id, timestamp: header["timestamp"] },
        route: { source: "future", destination: "future", group: "future", operation: "foresee", resource: "future/x" },
        content: { future: [] },
      }),
    );
  };
  return withConnection(connection, { send });
}

/** `up`: what is sent; `down`: what is heard. */
function rewriting(connection: LinkConnection, { up, down }: { up?: Change; down?: Change }): LinkConnection {
  return withConnection(connection, {
    ...(up ? { send: (text) => connection.send(changed(text, up)) } : {}),
    ...(down
      ? {
          start: (handlers) =>
            connection.start({ ...handlers, onFrame: (text) => handlers.onFrame(changed(text, down)) }),
        }
      : {}),
  });
}

function changed(text: string, change: Change): string {
  const frame = JSON.parse(text) as Frame;
  change(frame);
  return JSON.stringify(frame);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
