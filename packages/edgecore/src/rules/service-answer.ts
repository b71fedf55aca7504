import { toBase64 } from "@skerry/base";
import { type Message, type MessageStamp, newMessage } from "@skerry/link";

/** An HTTP response as it crosses the link (wire.md 12.7). */
export interface ServiceResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly body: Uint8Array;
}

/**
 * The answer to a request of the cloud's router (wire.md U24). Failures are sent the same way: what KubeEdge's edge sends
 * for them (U25) its own cloud does not find the request of.
 */
export function serviceAnswer(stamp: MessageStamp, request: Message, source: string, answer: ServiceResponse): Message {
  const header = Object.fromEntries(Object.entries(answer.headers).map(([name, values]) => [name, [...values]]));
  return newMessage(
    stamp,
    { source, group: "user", operation: "upload", resource: "" },
    { header, status_code: answer.status, body: toBase64(answer.body) },
    { parentId: request.header.msg_id },
  );
}

/** An answer of EdgeCore itself, in words. */
export function answerInWords(status: number, text: string): ServiceResponse {
  return {
    status,
    headers: { "Content-Type": ["text/plain; charset=utf-8"], Server: ["skerry-edgecore"] },
    body: new TextEncoder().encode(`${text}\n`),
  };
}
