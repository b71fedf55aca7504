import type { LinkConnection, LinkDialer, Message } from "@skerry/link";
import { decodeMessage, encodeMessage } from "@skerry/link";
import type { Database } from "@skerry/store";

/** A bug planted at a port of the production code, to see that the simulation finds it. */
export interface Mutant {
  readonly name: string;
  readonly description: string;
  readonly mutateDatabase?: (database: Database) => Database;
  readonly mutateDialer?: (dialer: LinkDialer) => LinkDialer;
}

/** Planted bugs by name. */
export const mutants: readonly Mutant[] = [
  {
    name: "ack-before-commit",
    description: "the edge acknowledges what is not committed yet; a crash loses it",
    mutateDatabase: answeringBeforeCommit,
  },
  {
    name: "in-flight-dropped",
    description: "a report counts as delivered once it is sent; a cut loses it (KubeEdge, wire.md W13)",
    mutateDialer: answeringWhenSent,
  },
];

/** The work's result is answered at once; the commit comes when it comes. */
function answeringBeforeCommit(database: Database): Database {
  return {
    read: (read) => database.read(read),
    transaction: (work) => {
      let settle: ((result: ReturnType<typeof work>) => void) | undefined;
      const early = new Promise<ReturnType<typeof work>>((resolve) => {
        settle = resolve;
      });
      const committed = database.transaction(work);
      // The result is only known from running the work; a dry run that is rolled back tells it beforehand.
      void database
        .transaction((transaction) => {
          settle?.(work(transaction));
          throw new Error("only to learn the result");
        })
        .catch(() => undefined);
      committed.catch(() => undefined);
      return early;
    },
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}

/** Each report that would have to be answered by the cloud is answered by the sender itself, as soon as it is sent. */
function answeringWhenSent(dialer: LinkDialer): LinkDialer {
  return {
    dial: async (url, headers, signal) => {
      const connection = await dialer.dial(url, headers, signal);
      let onFrame: ((text: string) => void) | undefined;
      const answering: LinkConnection = {
        peer: connection.peer,
        requestPath: connection.requestPath,
        headers: connection.headers,
        get bufferedBytes() {
          return connection.bufferedBytes;
        },
        start: (handlers) => {
          onFrame = (text) => handlers.onFrame(text);
          connection.start(handlers);
        },
        send: (text) => {
          connection.send(text);
          const message = decodeMessage(text);
          if (!isReport(message)) return;
          const answer: Message = {
            header: { msg_id: `${message.header.msg_id}-early`, parent_msg_id: message.header.msg_id, timestamp: 0 },
            route: { ...message.route, operation: "response" },
            content: "OK",
          };
          queueMicrotask(() => onFrame?.(encodeMessage(answer)));
        },
        ping: () => connection.ping(),
        pause: () => connection.pause(),
        resume: () => connection.resume(),
        close: (code, reason) => connection.close(code, reason),
      };
      return answering;
    },
  };
}

function isReport({ route, header }: Message): boolean {
  const resource = route.resource ?? "";
  return header.parent_msg_id === undefined && (resource.includes("/podpatch/") || resource.endsWith("/edge_updated"));
}
