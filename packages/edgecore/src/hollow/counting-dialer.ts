import type { ConnectionHandlers, LinkConnection, LinkDialer } from "@skerry/link";

/** What crossed a node's connections; bytes of WebSocket frames. */
export interface LinkCount {
  sessions: number;
  sentBytes: number;
  receivedBytes: number;
}

/** A dialer whose connections count what crosses them into `count`. */
export function countingDialer(dialer: LinkDialer, count: LinkCount): LinkDialer {
  return {
    async dial(url, headers, signal) {
      const connection = await dialer.dial(url, headers, signal);
      count.sessions += 1;
      return counting(connection, count);
    },
  };
}

function counting(connection: LinkConnection, count: LinkCount): LinkConnection {
  const { peer, requestPath, headers, wire } = connection;
  return {
    peer,
    requestPath,
    headers,
    ...(wire ? { wire } : {}),
    get bufferedBytes() {
      return connection.bufferedBytes;
    },
    start(handlers: ConnectionHandlers) {
      connection.start({
        ...handlers,
        onFrame(text) {
          count.receivedBytes += wire?.receivedBytes ?? text.length;
          handlers.onFrame(text);
        },
        onAlive: (sign) => handlers.onAlive?.(sign),
        onClose: (closed) => handlers.onClose(closed),
      });
    },
    send(text) {
      connection.send(text);
      count.sentBytes += wire?.sentBytes ?? text.length;
    },
    ping: () => connection.ping(),
    pause: () => connection.pause(),
    resume: () => connection.resume(),
    close: (code, reason) => connection.close(code, reason),
  };
}
