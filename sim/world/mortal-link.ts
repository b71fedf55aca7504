import type { LinkConnection, LinkDialer, LinkListen } from "@skerry/link";
import type { CrashPoints } from "./crash-points.ts";

/** A connection like the given one; members of `changes` take the place of its own. */
export function withConnection(
  connection: LinkConnection,
  changes: Partial<Omit<LinkConnection, "bufferedBytes">> = {},
): LinkConnection {
  return {
    peer: connection.peer,
    requestPath: connection.requestPath,
    headers: connection.headers,
    get bufferedBytes() {
      return connection.bufferedBytes;
    },
    start: (handlers) => connection.start(handlers),
    send: (text) => connection.send(text),
    ping: () => connection.ping(),
    pause: () => connection.pause(),
    resume: () => connection.resume(),
    close: (code, reason) => connection.close(code, reason),
    ...changes,
  };
}

function mortalConnection(connection: LinkConnection, crashPoints: CrashPoints): LinkConnection {
  return withConnection(connection, {
    send: (text) => crashPoints.aroundNow("link", () => connection.send(text)),
  });
}

/** A dialler whose process may die at a dial or at a send. */
export function mortalDialer(dialer: LinkDialer, crashPoints: CrashPoints): LinkDialer {
  return {
    dial: (url, headers, signal) =>
      crashPoints.around("link", async () => mortalConnection(await dialer.dial(url, headers, signal), crashPoints)),
  };
}

/** A listener whose process may die at a send. */
export function mortalListen(listen: LinkListen, crashPoints: CrashPoints): LinkListen {
  return (onConnection, admit) =>
    listen((connection) => onConnection(mortalConnection(connection, crashPoints)), admit);
}
