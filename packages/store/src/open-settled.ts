import type { Row } from "./database.ts";
import { hasResultCode } from "./group-commit.ts";

/** A connection that has just been opened. */
interface OpenedConnection {
  exec(sql: string): void;
}

const FULL: ReadonlySet<number> = new Set([13]);

/**
 * Settings of every connection: a write-ahead log that is synced at each commit. What an earlier process had written to the
 * log when it was killed, and not synced, is read as committed from now on; so it is brought to the disk first, or a power
 * cut could take back what this process has shown and told. (A checkpoint syncs the log before it moves its pages; when
 * there is no room for them they stay in the log.)
 */
export function openSettled(connection: OpenedConnection): void {
  connection.exec(
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON",
  );
  try {
    connection.exec("PRAGMA wal_checkpoint(PASSIVE)");
  } catch (error) {
    if (!hasResultCode(error, FULL)) throw error;
  }
}

/**
 * From now on a commit does not wait until the log is on the disk; whoever commits syncs the log before he tells. What
 * SQLite needs for itself it still syncs. One commit with a sync before it brings the log's name to the disk; false, and
 * nothing has changed, when the disk has no room for it.
 */
export function syncBeside(connection: OpenedConnection & { first(sql: string): Row | undefined }): boolean {
  const version = Number(connection.first("PRAGMA user_version")?.["user_version"] ?? 0);
  try {
    connection.exec(`PRAGMA user_version = ${version}`);
  } catch (error) {
    if (hasResultCode(error, FULL)) return false;
    throw error;
  }
  connection.exec("PRAGMA synchronous = NORMAL");
  return true;
}
