import { dirname, join } from "node:path";
import type { ContainerRuntime, FileSystem } from "../ports.ts";
import { PodPaths } from "./pod-paths.ts";
import type { PodRuntimeState } from "./pod-runtime-state.ts";
import { restartCountOf } from "./runtime-names.ts";

/** Of each container the running one and the one before are kept: status and `kubectl logs --previous` need them. */
const KEPT_PER_CONTAINER = 2;

/** Removes containers and sandboxes of a living pod that nothing needs any more, and their logs. */
export async function removeGarbage(
  state: PodRuntimeState,
  paths: PodPaths,
  runtime: ContainerRuntime,
  files: FileSystem,
  how: "kept-as-usual" | "previous-too" = "kept-as-usual",
): Promise<void> {
  const kept = how === "kept-as-usual" ? KEPT_PER_CONTAINER : 1;
  const neededSandboxes = new Set<string>();
  const newest = state.sandboxes[0];
  if (newest) neededSandboxes.add(newest.id);
  for (const [name, history] of state.containers) {
    for (const { sandboxId } of history.slice(0, kept)) neededSandboxes.add(sandboxId);
    for (const old of history.slice(kept)) {
      if (old.state !== "exited") continue;
      await runtime.removeContainer(old.id);
      await removeLogs(files, paths, name, restartCountOf(old));
    }
  }
  for (const sandbox of state.sandboxes) {
    if (neededSandboxes.has(sandbox.id) || sandbox.state === "ready") continue;
    await runtime.removeSandbox(sandbox.id);
  }
}

async function removeLogs(files: FileSystem, paths: PodPaths, name: string, restartCount: number): Promise<void> {
  const log = join(paths.logs, PodPaths.logPath(name, restartCount));
  const folder = dirname(log);
  for (const file of await files.listDirectory(folder))
    if (file === `${restartCount}.log` || file.startsWith(`${restartCount}.log.`))
      await files.remove(join(folder, file));
  await files.remove(paths.terminationLog(name, restartCount));
}
