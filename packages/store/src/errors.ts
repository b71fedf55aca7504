import { SkerryError } from "@skerry/base";

/** The database file is damaged. */
export function databaseCorrupt(path: string, finding: string, cause?: unknown): SkerryError {
  return new SkerryError({
    code: "STORE_DATABASE_CORRUPT",
    message: `The database ${path} is damaged: ${finding}`,
    advice: "Put the file back from a backup, or move it and its -wal and -shm away to begin with an empty one.",
    details: { path, finding },
    cause,
  });
}

/** The database was written by a newer Skerry. */
export function databaseTooNew(path: string, version: number, known: number): SkerryError {
  return new SkerryError({
    code: "STORE_DATABASE_TOO_NEW",
    message: `The database ${path} has schema version ${version}, this Skerry knows up to ${known}`,
    advice: "Run the Skerry version that wrote it, or a newer one.",
    details: { path, version, known },
  });
}

/** The write could not be stored. */
export function writeFailed(path: string, cause: unknown): SkerryError {
  const text = cause instanceof Error ? cause.message : String(cause);
  const full = /full|ENOSPC/i.test(text);
  return new SkerryError({
    code: full ? "STORE_DISK_FULL" : "STORE_WRITE_FAILED",
    message: `Writing to the database ${path} failed: ${text}`,
    advice: full
      ? "Free space on its file system; nothing that was accepted is lost."
      : "Check the disk and the file's permissions.",
    details: { path },
    cause,
  });
}

/** The database is closed. */
export function databaseClosed(path: string): SkerryError {
  return new SkerryError({
    code: "STORE_CLOSED",
    message: `The database ${path} is closed`,
    advice: "Nothing to do: its owner was shutting down.",
    details: { path },
  });
}

/** A database cannot be read by a process that does not own it. */
export function databaseUnreadable(path: string, cause: unknown): SkerryError {
  return new SkerryError({
    code: "STORE_DATABASE_UNREADABLE",
    message: `The database ${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
    advice: "Check that the file exists and that you may read it; its owner is whoever started Skerry.",
    details: { path },
    cause,
  });
}
