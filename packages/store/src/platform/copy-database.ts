import { chmodSync, closeSync, openSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { databaseCorrupt, databaseUnreadable, writeFailed } from "../errors.ts";

/**
 * Copies a database as it is at this moment, also while another process writes it, into a new file that only its owner can
 * read, and checks the copy.
 * @throws SkerryError `STORE_DATABASE_UNREADABLE`, `STORE_WRITE_FAILED`, `STORE_DISK_FULL`, `STORE_DATABASE_CORRUPT`
 */
export function copyDatabase(from: string, to: string): void {
  let source: DatabaseSync;
  try {
    source = new DatabaseSync(from, { readOnly: true });
    source.prepare("PRAGMA user_version").get();
  } catch (error) {
    throw databaseUnreadable(from, error);
  }
  try {
    // Made before SQLite makes it, with the right mode; VACUUM takes a file that is empty.
    closeSync(openSync(to, "wx", 0o600));
    source.prepare("VACUUM INTO ?").run(to);
    chmodSync(to, 0o600);
  } catch (error) {
    throw writeFailed(to, error);
  } finally {
    source.close();
  }
  checkDatabase(to);
}

/** Reads a whole database file and checks it. @throws SkerryError `STORE_DATABASE_CORRUPT`, `STORE_DATABASE_UNREADABLE` */
export function checkDatabase(path: string): void {
  let finding: string;
  try {
    using database = new DatabaseSync(path, { readOnly: true });
    const row = database.prepare("PRAGMA integrity_check(1)").get() ?? {};
    finding = String(Object.values(row)[0] ?? "no answer");
  } catch (error) {
    if (error instanceof Error && /malformed|not a database/i.test(error.message))
      throw databaseCorrupt(path, error.message, error);
    throw databaseUnreadable(path, error);
  }
  if (finding !== "ok") throw databaseCorrupt(path, finding.replaceAll(/\s+/g, " "));
}
