import { DatabaseSync } from "node:sqlite";
import type { Reader, Row } from "../database.ts";
import { databaseUnreadable } from "../errors.ts";

/** A database's file, opened beside the process that writes it. */
export interface ReadOnlyDatabase extends Disposable {
  /** Runs `read` on what was committed last. */
  read<T>(read: (reader: Reader) => T): T;
}

/** Opens a database for reading, whether it is in use or not. @throws SkerryError `STORE_DATABASE_UNREADABLE` */
export function openReadOnly(path: string): ReadOnlyDatabase {
  try {
    const database = new DatabaseSync(path, { readOnly: true });
    const reader: Reader = {
      all: (sql, ...parameters) => database.prepare(sql).all(...parameters) as Row[],
      first: (sql, ...parameters) => database.prepare(sql).get(...parameters) as Row | undefined,
    };
    return {
      read(read) {
        try {
          return read(reader);
        } catch (error) {
          throw databaseUnreadable(path, error);
        }
      },
      [Symbol.dispose]: () => database.close(),
    };
  } catch (error) {
    throw databaseUnreadable(path, error);
  }
}
