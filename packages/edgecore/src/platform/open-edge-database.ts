import { mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { type Clock, isSkerryError, type Logger, type SkerryError } from "@skerry/base";
import { SqliteDatabase, type SqliteOptions } from "@skerry/store/platform";
import { edgeDatabaseMigrations } from "../edge-database.ts";
import { fileUnreadable } from "./errors.ts";

/** SQLite's files of one database. */
const FILE_ENDINGS = ["", "-wal", "-shm"] as const;
/** The database of a usual node has about 1 MB, most of which is read at the start only. */
const CACHE_PAGES = 64;
/** Kept for whoever wants to look at them; the oldest beyond that go, so that a failing disk is not filled. */
const KEPT_DAMAGED_DATABASES = 3;

/**
 * Opens the node's database. A damaged one is moved aside, loudly, and an empty one takes its place: the cloud then
 * sends all objects again, and running containers are adopted. `onDamage` hears of damage that is found later: the
 * process is to end then, so that its next start does this.
 * @throws SkerryError `STORE_DATABASE_TOO_NEW`, `EDGECORE_FILE_UNREADABLE`
 */
export function openEdgeDatabase(
  path: string,
  clock: Clock,
  logger: Logger,
  onDamage: (error: SkerryError) => void = () => {},
): SqliteDatabase {
  return openOrReplace(
    { path, migrations: edgeDatabaseMigrations, cachePages: CACHE_PAGES, onDamage },
    clock,
    (finding) =>
      logger.error("The node's database is damaged and was moved aside; the node begins with an empty one", {
        ...finding,
        lost: "what changed on this node and had not reached the cloud",
        advice:
          "Nothing to do: containers run on, and the cloud sends everything again. Check the disk if this happens twice.",
      }),
  );
}

/** What was wrong with a database that was moved aside. */
export interface DamageFinding {
  readonly code: string;
  readonly finding: string;
  readonly movedTo: string;
}

/**
 * Opens a database; a damaged one is moved aside, told, and an empty one takes its place.
 * @throws SkerryError `STORE_DATABASE_TOO_NEW`, `EDGECORE_FILE_UNREADABLE`
 */
export function openOrReplace(
  options: SqliteOptions,
  clock: Clock,
  onReplaced: (finding: DamageFinding) => void,
): SqliteDatabase {
  try {
    return new SqliteDatabase(options);
  } catch (error) {
    if (!isSkerryError(error, "STORE_DATABASE_CORRUPT")) throw error;
    const movedTo = moveAside(options.path, clock.now());
    onReplaced({ code: error.code, finding: error.message, movedTo });
    return new SqliteDatabase(options);
  }
}

/** Returns the folder that has the damaged files now. */
function moveAside(path: string, nowMs: number): string {
  const prefix = `${basename(path)}.damaged-`;
  const parent = dirname(path);
  const folder = join(parent, `${prefix}${new Date(nowMs).toISOString().replaceAll(":", "-")}`);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const files = FILE_ENDINGS.map((ending) => basename(path) + ending);
    for (const name of readdirSync(parent).filter((entry) => files.includes(entry)))
      renameSync(join(parent, name), join(folder, name));
    const damaged = readdirSync(parent).filter((name) => name.startsWith(prefix));
    for (const name of damaged.sort().slice(0, -KEPT_DAMAGED_DATABASES))
      rmSync(join(parent, name), { recursive: true });
  } catch (error) {
    throw fileUnreadable("database.dataSource", path, error);
  }
  return folder;
}
