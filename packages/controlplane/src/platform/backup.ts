import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { isSkerryError } from "@skerry/base";
import { checkDatabase, copyDatabase, openReadOnly } from "@skerry/store/platform";
import { backupTargetTaken, dataFolderTaken, dataFolderUnusable, noBackup } from "./errors.ts";

const DATABASE = "controlplane.db";
const KEYS = "pki";
/** Without these, nobody's certificate or token would hold after a restore. */
const NEEDED_KEYS = ["ca.crt", "ca.key", "sa.key"];

/** What a backup has in it. */
export interface BackupFacts {
  readonly objects: number;
  readonly revision: number;
  readonly sizeBytes: number;
}

/**
 * Copies a control plane's database, as it is at one moment, and its keys into a new folder; the control plane may run
 * meanwhile. The folder is as secret as the control plane itself.
 * @throws `CONTROLPLANE_NO_DATA`, `CONTROLPLANE_BACKUP_TARGET_TAKEN`, `CONTROLPLANE_DATA_FOLDER_UNUSABLE`, `STORE_*`
 */
export function backupControlPlane(dataFolder: string, target: string): BackupFacts {
  requireWhole(dataFolder);
  if (existsSync(target)) throw backupTargetTaken(target);
  return copyWhole(dataFolder, target);
}

/**
 * Puts a backup into a data folder that has no control plane's data.
 * @throws `CONTROLPLANE_NO_DATA`, `CONTROLPLANE_DATA_FOLDER_TAKEN`, `CONTROLPLANE_DATA_FOLDER_UNUSABLE`, `STORE_*`
 */
export function restoreControlPlane(backup: string, dataFolder: string): BackupFacts {
  requireWhole(backup);
  checkDatabase(join(backup, DATABASE));
  if (existsSync(dataFolder) && readdirSync(dataFolder).length > 0) throw dataFolderTaken(dataFolder);
  return copyWhole(backup, dataFolder);
}

/** Copies beside the target and renames, so that half a copy never has its name. */
function copyWhole(from: string, to: string): BackupFacts {
  const partial = `${to}.partial`;
  try {
    rmSync(partial, { recursive: true, force: true });
    mkdirSync(join(partial, KEYS), { recursive: true, mode: 0o700 });
    chmodSync(partial, 0o700);
    copyDatabase(join(from, DATABASE), join(partial, DATABASE));
    for (const name of readdirSync(join(from, KEYS))) copyFileSync(join(from, KEYS, name), join(partial, KEYS, name));
    const facts = factsOf(join(partial, DATABASE));
    mkdirSync(dirname(to), { recursive: true });
    // An empty folder gives its place.
    if (existsSync(to)) rmSync(to, { recursive: true });
    renameSync(partial, to);
    return facts;
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    throw isSkerryError(error) ? error : dataFolderUnusable(to, error);
  }
}

function factsOf(path: string): BackupFacts {
  using database = openReadOnly(path);
  return database.read((reader) => ({
    objects: Number(reader.first("SELECT COUNT(*) AS count FROM object")?.["count"]),
    revision: Number(reader.first("SELECT value FROM counter WHERE name = 'revision'")?.["value"]),
    sizeBytes: statSync(path).size,
  }));
}

function requireWhole(folder: string): void {
  const needed = [DATABASE, ...NEEDED_KEYS.map((name) => join(KEYS, name))];
  const missing = needed.find((name) => !existsSync(join(folder, name)));
  if (missing !== undefined) throw noBackup(folder, missing);
}
