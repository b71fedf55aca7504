import type { KubernetesObject } from "@skerry/api";
import { sleep } from "@skerry/base";
import type { LinkDialer, LinkListen, Message } from "@skerry/link";
import { acknowledgementFor, decodeMessage, encodeMessage } from "@skerry/link";
import type { Database, Reader, Row } from "@skerry/store";
import { withConnection } from "../world/mortal-link.ts";
import type { Mutant } from "./mutant.ts";

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
  {
    name: "acknowledged-when-sent",
    description: "the cloud counts an object as stored once it is sent; a crash of the edge loses it",
    mutateListen: acknowledgingWhenSent,
  },
  {
    name: "older-versions-stored",
    description: "the edge stores whatever comes, also a version older than the one it has",
    mutateDatabase: (database) => rewriting(database, "SELECT value FROM meta WHERE key", forgettingVersions),
  },
  {
    name: "tombstones-forgotten",
    description: "the edge does not remember what was deleted; a late message brings it back",
    mutateDatabase: (database) => rewriting(database, "FROM tombstone WHERE uid", () => []),
  },
  {
    name: "restart-waits-for-network",
    description: "EdgeCore starts what it knows only when it reaches the cloud",
    beforeStart: async ({ clock, isCloudReachable }) => {
      while (!isCloudReachable()) await sleep(clock, 500);
    },
  },
];

function forgettingVersions(rows: Row[]): Row[] {
  return rows.map((row) => {
    const object = JSON.parse(String(row["value"])) as KubernetesObject;
    return { value: JSON.stringify({ ...object, metadata: { ...object.metadata, resourceVersion: "1" } }) };
  });
}

/** Changes what statements with that text find within transactions and reads. */
function rewriting(database: Database, text: string, change: (rows: Row[]) => Row[]): Database {
  const reader = (inner: Reader): Reader => ({
    all: (sql, ...parameters) => {
      const rows = inner.all(sql, ...parameters);
      return sql.includes(text) ? change(rows) : rows;
    },
    first: (sql, ...parameters) => {
      const row = inner.first(sql, ...parameters);
      return sql.includes(text) ? change(row ? [row] : [])[0] : row;
    },
  });
  return {
    read: (read) => database.read(read),
    transaction: (work) =>
      database.transaction((transaction) =>
        work({ ...reader(transaction), run: (sql, ...parameters) => transaction.run(sql, ...parameters) }),
      ),
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}

/** Each object that the node would have to acknowledge is acknowledged by CloudCore itself, as soon as it is sent. */
function acknowledgingWhenSent(listen: LinkListen): LinkListen {
  return (onConnection, ...others) =>
    listen(
      (connection) => {
        let onFrame: ((text: string) => void) | undefined;
        onConnection(
          withConnection(connection, {
            start: (handlers) => {
              onFrame = (text) => handlers.onFrame(text);
              connection.start(handlers);
            },
            send: (text) => {
              connection.send(text);
              const message = decodeMessage(text);
              if (acknowledgementFor(message) !== "required") return;
              queueMicrotask(() => onFrame?.(encodeMessage(answerTo(message))));
            },
          }),
        );
      },
      ...others,
    );
}

function answerTo(message: Message): Message {
  return {
    header: { msg_id: `${message.header.msg_id}-early`, parent_msg_id: message.header.msg_id, timestamp: 0 },
    route: { ...message.route, operation: "response" },
    content: "OK",
  };
}

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
      return withConnection(connection, {
        start: (handlers) => {
          onFrame = (text) => handlers.onFrame(text);
          connection.start(handlers);
        },
        send: (text) => {
          connection.send(text);
          const message = decodeMessage(text);
          if (!isReport(message)) return;
          queueMicrotask(() => onFrame?.(encodeMessage(answerTo(message))));
        },
      });
    },
  };
}

function isReport({ route, header }: Message): boolean {
  const resource = route.resource ?? "";
  return header.parent_msg_id === undefined && (resource.includes("/podpatch/") || resource.endsWith("/edge_updated"));
}

/** @throws Error when there is none of that name */
export function mutantNamed(name: string): Mutant {
  const mutant = mutants.find((each) => each.name === name);
  if (mutant) return mutant;
  throw new Error(`There is no planted bug "${name}"; there are ${mutants.map((each) => each.name).join(", ")}`);
}
