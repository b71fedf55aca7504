import { decodeMessage, encodeMessage, type LinkConnection, type LinkListen, type Message } from "@skerry/link";
import { withConnection } from "../world/mortal-link.ts";

/**
 * A listener that hears another message in place of each that comes; `alter` is made anew for each connection, and gives
 * the message back when it stays as it is.
 */
export function hearingOthers(
  listen: LinkListen,
  alter: (connection: LinkConnection) => (message: Message) => Message,
): LinkListen {
  return (onConnection, admit) =>
    listen((connection) => {
      const altered = alter(connection);
      onConnection(
        withConnection(connection, {
          start: (handlers) =>
            connection.start({
              ...handlers,
              onFrame: (text) => {
                const message = decodeMessage(text);
                const heard = altered(message);
                handlers.onFrame(heard === message ? text : encodeMessage(heard));
              },
            }),
        }),
      );
    }, admit);
}
