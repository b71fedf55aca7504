import {
  type ConnectionClosed,
  type ConnectionHandlers,
  decodeMessage,
  encodeMessage,
  type LinkConnection,
  type LinkListen,
  type Message,
  type PeerIdentity,
} from "@skerry/link";

/** A listener without a network: the test lets edges in by hand. */
export class ScriptedListener {
  #admit: ((connection: LinkConnection) => void) | undefined;

  readonly listen: LinkListen = (onConnection) => {
    this.#admit = onConnection;
    return Promise.resolve({ port: 1, [Symbol.asyncDispose]: () => Promise.resolve() });
  };

  /** An edge with a verified certificate for `nodeName` connects. */
  connect(
    nodeName: string,
    headers: Readonly<Record<string, string>> = { node_id: nodeName },
    peer: Partial<PeerIdentity> = {},
  ): ScriptedEdge {
    const edge = new ScriptedEdge(
      { name: nodeName, groups: ["system:nodes"], certificateFingerprint: nodeName, ...peer },
      headers,
    );
    this.#admit?.(edge.connection);
    return edge;
  }
}

/** The edge's end of a connection, in the test's hands; the other end is what CloudHub sees. */
export class ScriptedEdge {
  /** Messages from the cloud, in order. */
  readonly received: Message[] = [];
  closed: ConnectionClosed | undefined;
  paused = false;
  pingCount = 0;
  /** What the transport claims to hold back. */
  bufferedBytes = 0;
  readonly connection: LinkConnection;
  #handlers: ConnectionHandlers | undefined;

  constructor(peer: PeerIdentity, headers: Readonly<Record<string, string>>) {
    const edge = this;
    this.connection = {
      peer,
      requestPath: "/",
      headers,
      get bufferedBytes(): number {
        return edge.bufferedBytes;
      },
      start: (handlers) => {
        this.#handlers = handlers;
      },
      send: (text) => this.received.push(decodeMessage(text)),
      ping: () => this.pingCount++,
      pause: () => {
        this.paused = true;
      },
      resume: () => {
        this.paused = false;
      },
      close: (code, reason) => this.#end({ code, reason }),
    };
  }

  send(message: Message): void {
    this.sendText(encodeMessage(message));
  }

  sendText(text: string): void {
    this.#handlers?.onFrame(text);
  }

  alive(): void {
    this.#handlers?.onAlive?.();
  }

  /** The connection breaks, seen from the cloud. */
  break(reason = "connection reset by peer"): void {
    this.#end({ code: 1006, reason });
  }

  #end(closed: ConnectionClosed): void {
    if (this.closed) return;
    this.closed = closed;
    const handlers = this.#handlers;
    this.#handlers = undefined;
    handlers?.onClose(closed);
  }
}
