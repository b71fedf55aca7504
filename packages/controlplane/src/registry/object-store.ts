import type { Database } from "@skerry/store";
import { ChangeFeed, type ChangeLog } from "./change-feed.ts";
import { StoreSession, StoreView } from "./store-session.ts";

/** Thrown within a transaction to undo it and still hand out its result (dry runs). */
class Undone<T> extends Error {
  readonly result: T;
  constructor(result: T) {
    super("undone");
    this.result = result;
  }
}

/** All objects in SQLite under one global revision, with a bounded log of changes. */
export class ObjectStore implements ChangeLog {
  readonly #database: Database;
  readonly feed: ChangeFeed;

  constructor(database: Database) {
    this.#database = database;
    this.feed = new ChangeFeed(this);
  }

  /** Reads the committed state. */
  read<T>(work: (view: StoreView) => T): T {
    return this.#database.read((reader) => work(new StoreView(reader)));
  }

  /** Runs `work` in a transaction; resolves when it is synced to disk and its changes are handed to the watches. */
  async write<T>(work: (session: StoreSession) => T): Promise<T> {
    const { result, changes } = await this.#database.transaction((transaction) => {
      const session = new StoreSession(transaction);
      return { result: work(session), changes: session.changes };
    });
    this.feed.append(changes);
    return result;
  }

  /** Runs `work` in a transaction that is undone; for dry runs. */
  async rehearse<T>(work: (session: StoreSession) => T): Promise<T> {
    try {
      await this.#database.transaction((transaction) => {
        throw new Undone(work(new StoreSession(transaction)));
      });
    } catch (error) {
      if (error instanceof Undone) return (error as Undone<T>).result;
      throw error;
    }
    throw new Error("a rehearsal must not be committed");
  }
}
