import { running } from "../mutants/altered-database.ts";
import type { Mutant } from "../mutants/mutant.ts";
import { withConnection } from "../world/mortal-link.ts";

/** Where `writeProperty` has the effect among its parameters. */
const EFFECT = 14;

/** Bugs in what devices declare, and the invariant that each of them breaks. */
export const DECLARATION_MUTANTS: readonly (Mutant & { readonly breaks: "I6" | "I7" })[] = [
  {
    name: "effect-not-noted",
    description: "that a value is given to the device is not committed before it leaves",
    breaks: "I6",
    mutateDatabase: (database) =>
      running(database, "INTO twin_property", (transaction, sql, parameters) =>
        transaction.run(sql, ...parameters.map((value, at) => (at === EFFECT && value === "sent" ? "pending" : value))),
      ),
  },
  {
    name: "effect-given-again",
    description: "after a crash, what may have reached the device is given to it again",
    breaks: "I6",
    mutateDatabase: (database) =>
      running(database, "SET effect = 'unknown'", (transaction, sql, parameters) =>
        transaction.run(sql.replace("'unknown'", "'pending'"), ...parameters),
      ),
  },
  {
    name: "conflict-rule-not-heard",
    description: "the rule that a Device declares does not reach the node",
    breaks: "I7",
    mutateListen: (listen) => (onConnection, admit) =>
      listen(
        (connection) =>
          onConnection(
            withConnection(connection, {
              start: (handlers) => connection.start(handlers),
              send: (text) => connection.send(text.replaceAll("skerry.io/conflict", "example.com/conflict")),
            }),
          ),
        admit,
      ),
  },
  {
    name: "edge-wish-forgotten",
    description: "whose wish a value is, the node forgets: the cloud's next one takes its place",
    breaks: "I7",
    mutateDatabase: (database) =>
      running(database, "INTO twin_property", (transaction, sql, parameters) =>
        transaction.run(
          sql,
          ...parameters.map((value, at) => (at === EFFECT - 1 && value === "edge" ? "cloud" : value)),
        ),
      ),
  },
];
