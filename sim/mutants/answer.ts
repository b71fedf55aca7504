import type { Message } from "@skerry/link";

/** An answer that nobody gave. */
export function answerTo(message: Message): Message {
  return {
    header: { msg_id: `${message.header.msg_id}-early`, parent_msg_id: message.header.msg_id, timestamp: 0 },
    route: { ...message.route, operation: "response" },
    content: "OK",
  };
}
