import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { startTicks } from "@skerry/base/platform";
import { alreadyRunning } from "../errors.ts";
import type { SkerryHome } from "../skerry-home.ts";

/** Who runs Skerry with a home folder. A process id alone may be reused, so its start time goes with it. */
export interface LockHolder {
  readonly processId: number;
  readonly startTicks: string;
  /** Processes started by the holder, so that they can be found after it crashed. */
  readonly children: readonly { readonly name: string; readonly processId: number; readonly startTicks: string }[];
}

/** What the lock file says; undefined when there is none. */
export function readLock(home: SkerryHome): LockHolder | undefined {
  try {
    return JSON.parse(readFileSync(home.lockFile, "utf8")) as LockHolder;
  } catch {
    return undefined;
  }
}

/** The live holder of the home folder's lock, if any. */
export function liveHolder(home: SkerryHome): LockHolder | undefined {
  const holder = readLock(home);
  return holder && startTicks(holder.processId) === holder.startTicks ? holder : undefined;
}

/**
 * Takes the home folder for this process. Returns what a crashed holder left, to be cleaned up. Throws
 * SKERRY_ALREADY_RUNNING.
 */
export function takeLock(home: SkerryHome): LockHolder | undefined {
  mkdirSync(dirname(home.lockFile), { recursive: true });
  const own = JSON.stringify({ processId: process.pid, startTicks: startTicks(process.pid) ?? "", children: [] });
  try {
    writeFileSync(home.lockFile, own, { flag: "wx" });
    return undefined;
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
  const holder = liveHolder(home);
  if (holder) throw alreadyRunning(home.folder, holder.processId);
  const crashed = readLock(home);
  writeFileSync(home.lockFile, own);
  return crashed ?? { processId: 0, startTicks: "", children: [] };
}

/** Notes the children in the lock file of this process. */
export function noteChildren(home: SkerryHome, children: ReadonlyMap<string, number>): void {
  const holder: LockHolder = {
    processId: process.pid,
    startTicks: startTicks(process.pid) ?? "",
    children: [...children].map(([name, processId]) => ({ name, processId, startTicks: startTicks(processId) ?? "" })),
  };
  const temporary = `${home.lockFile}.new`;
  writeFileSync(temporary, JSON.stringify(holder));
  renameSync(temporary, home.lockFile);
}

/** Gives the home folder back. */
export function releaseLock(home: SkerryHome): void {
  rmSync(home.lockFile, { force: true });
}
