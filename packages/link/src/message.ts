import type { JsonValue } from "@skerry/base";

/** Header of a message; member names are KubeEdge's (wire.md 2.1). */
export interface MessageHeader {
  /** UUID; a retransmission reuses it. */
  msg_id: string;
  /** Id of the message that this one answers or acknowledges. */
  parent_msg_id?: string;
  /** Creation time, milliseconds since the Unix epoch. */
  timestamp: number;
  /** resourceVersion of the object in `content`. */
  resourceversion?: string;
  sync?: boolean;
  type?: string;
  /** W3C Trace Context: the span that this message belongs to. Skerry's own; KubeEdge ignores it. */
  traceparent?: string;
}

/** Where a message comes from and what it is about (wire.md 2.1, 2.5). */
export interface MessageRoute {
  source?: string;
  destination?: string;
  group?: string;
  operation?: string;
  /** Slash path: `<namespace>/<type>[/<name>]`, or free form (wire.md 2.4). */
  resource?: string;
}

/** One message of the link, both directions. */
export interface Message {
  header: MessageHeader;
  route: MessageRoute;
  content: JsonValue;
}
