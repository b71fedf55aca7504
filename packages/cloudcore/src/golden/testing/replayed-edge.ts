import { decodeMessage, encodeMessage, type LinkConnection, type Message, needsAcknowledgement } from "@skerry/link";

/** The node's end of the link: sends what was recorded, acknowledges what comes, and keeps it. */
export class ReplayedEdge implements LinkConnection {
  readonly peer: LinkConnection["peer"];
  readonly requestPath = "/e632aba927ea4ac2b575ec1603d56f10/edge-node-1/events";
  readonly headers: LinkConnection["headers"];
  readonly bufferedBytes = 0;
  /** What the cloud has sent, oldest first. */
  readonly received: Message[] = [];
  closedBy: string | undefined;
  #handlers: Parameters<LinkConnection["start"]>[0] | undefined;
  #acknowledgements = 0;

  constructor(nodeName: string) {
    this.peer = { name: nodeName, groups: ["system:nodes"], certificateFingerprint: "00" };
    this.headers = { node_id: nodeName };
  }

  start(handlers: Parameters<LinkConnection["start"]>[0]): void {
    this.#handlers = handlers;
  }

  send(text: string): void {
    const message = decodeMessage(text);
    this.received.push(message);
    if (needsAcknowledgement(message)) queueMicrotask(() => this.#acknowledge(message));
  }

  /** Sends a frame to the cloud. */
  feed(message: Message): void {
    this.#handlers?.onFrame(encodeMessage(message));
  }

  ping(): void {
    this.#handlers?.onAlive?.();
  }

  pause(): void {}

  resume(): void {}

  close(_code: number, reason: string): void {
    this.closedBy = reason;
  }

  /** The cable is pulled. */
  breakOff(): void {
    this.#handlers?.onClose({ code: 1006, reason: "" });
  }

  #acknowledge({ header, route }: Message): void {
    this.#acknowledgements++;
    this.feed({
      header: { msg_id: `ack-${this.#acknowledgements}`, parent_msg_id: header.msg_id, timestamp: header.timestamp },
      route: { ...route, operation: "response" },
      content: "OK",
    });
  }
}
