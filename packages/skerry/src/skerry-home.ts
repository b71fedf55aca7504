import { accessSync, constants, existsSync, mkdirSync, statfsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { codedError, diskFull, homeUnusable } from "./errors.ts";

/** The paths below Skerry's home folder: `.skerry` in the current folder, or SKERRY_HOME. */
export interface SkerryHome {
  readonly folder: string;
  readonly kubeconfig: string;
  readonly logs: string;
  /** Unpacked Debian packages. */
  readonly parts: string;
  readonly controlPlane: string;
  readonly cloudCore: string;
  /** State of what runs now: lock, control socket. */
  readonly run: string;
  readonly lockFile: string;
  /** The settings of the last start, so that a later one without options is the same. */
  readonly settingsFile: string;
  nodeFolder(node: string): string;
}

/** The home folder that the environment chooses. */
export function skerryHome(
  environment: NodeJS.ProcessEnv = process.env,
  currentFolder: string = process.cwd(),
): SkerryHome {
  const folder = resolve(currentFolder, environment["SKERRY_HOME"] || ".skerry");
  return {
    folder,
    kubeconfig: join(folder, "kubeconfig"),
    logs: join(folder, "logs"),
    parts: join(folder, "parts"),
    controlPlane: join(folder, "controlplane"),
    cloudCore: join(folder, "cloudcore"),
    run: join(folder, "run"),
    lockFile: join(folder, "run", "lock.json"),
    settingsFile: join(folder, "settings.json"),
    nodeFolder: (node) => join(folder, node),
  };
}

/** Makes the folders that each start needs. Throws SKERRY_HOME_UNUSABLE. */
export function prepareHome(home: SkerryHome): void {
  try {
    for (const folder of [home.folder, home.logs, home.run]) makeFolder(folder);
    accessSync(home.folder, constants.W_OK);
  } catch (error) {
    const coded = codedError(error);
    throw coded === error ? homeUnusable(home.folder, error) : coded;
  }
}

/** Throws SKERRY_DISK_FULL when the folder's file system has less space than a start needs. */
export function checkFreeSpace(folder: string, neededBytes: number): void {
  const { bavail, bsize } = statfsSync(folder);
  const freeBytes = bavail * bsize;
  const mebibytes = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
  if (freeBytes < neededBytes)
    throw diskFull(`Only ${mebibytes(freeBytes)} are free where ${folder} is; a start needs ${mebibytes(neededBytes)}`);
}

/** mkdirSync's own `recursive` never returns where folders cannot be made, as in /proc. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return;
  if (dirname(folder) !== folder) makeFolder(dirname(folder));
  mkdirSync(folder);
}
