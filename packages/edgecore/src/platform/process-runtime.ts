import { silentLogger } from "@skerry/base";
import type { ProcessRuntimeOptions } from "../processruntime/platform/start-process-runtime.ts";

export type { ProcessRuntimeOptions };

/** Serves containers without an engine. Loaded only where that is asked for. @see startProcessRuntime */
export async function runProcessRuntime(options: ProcessRuntimeOptions): Promise<AsyncDisposable> {
  const { startProcessRuntime } = await import("../processruntime/platform/process-runtime-parts.ts");
  return startProcessRuntime(options);
}

/**
 * Loads an image archive into the store of a process runtime, which need not run. Returns the images' names.
 * @param folder the runtime's
 * @throws SkerryError `PROCESS_RUNTIME_IMAGE_INVALID`
 */
export async function loadProcessImage(folder: string, archive: string): Promise<string[]> {
  const { imageStore, loadImageArchive } = await import("../processruntime/platform/process-runtime-parts.ts");
  const store = imageStore(folder);
  await store.open();
  return loadImageArchive(archive, store, folder);
}

/** What a process runtime with this folder has running, what ends all of it at once, and what removes its groups then. */
export async function processContainers(folder: string): Promise<{
  readonly running: ReadonlyMap<string, number>;
  kill(): void;
  /** Returns the containers that had some. */
  removeGroups(): Promise<string[]>;
}> {
  const left = await import("../processruntime/platform/process-runtime-parts.ts");
  return {
    running: left.runningProcessContainers(folder),
    kill: () => left.killProcessContainers(folder),
    removeGroups: () => left.removeControlGroups(folder),
  };
}

/**
 * Finds out whether the process runtime can run containers here, and says what they have.
 * @throws SkerryError `PROCESS_RUNTIME_NO_NAMESPACES`
 */
export async function checkProcessRuntime({
  folder,
  busybox,
  slirp,
}: Pick<ProcessRuntimeOptions, "folder" | "busybox" | "slirp">): Promise<string> {
  const parts = await import("../processruntime/platform/process-runtime-parts.ts");
  const ability = await parts.checkAbility(`${folder}/scratch`);
  const { limits } = await parts.ControlGroups.find(folder, busybox, silentLogger);
  return parts.describeAbility(ability, await parts.checkOutbound(slirp, busybox), limits);
}

/** Whether this account may lead containers' networks out at all, given the program for it. */
export async function processNetworksMayLeadOut(): Promise<boolean> {
  const { mayHaveOutbound } = await import("../processruntime/platform/process-runtime-parts.ts");
  return mayHaveOutbound();
}
