import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ContainerState } from "./container-record.ts";
import { killRunning, stillRuns } from "./process-identity.ts";
import type { SandboxState } from "./sandboxes.ts";

/**
 * The containers of a process runtime that run, by what lies on disk: their ids and first processes. The runtime itself
 * need not run.
 * @param folder the runtime's
 */
export function runningProcessContainers(folder: string): ReadonlyMap<string, number> {
  const running = new Map<string, number>();
  for (const [id, { run }] of states<ContainerState>(join(folder, "containers")))
    if (run && stillRuns(run.main)) running.set(id, run.main.processId);
  return running;
}

/** Kills all that a process runtime has started, and waits for nothing: what a power cut leaves. */
export function killProcessContainers(folder: string): void {
  const containers = states<ContainerState>(join(folder, "containers"));
  const sandboxes = states<SandboxState>(join(folder, "sandboxes"));
  killRunning(
    ...containers.flatMap(([, { run }]) => [run?.shim, run?.main]),
    ...sandboxes.flatMap(([, { holder, processHolder, outbound }]) => [outbound, processHolder, holder]),
  );
}

/** What was kept of each, by id; what cannot be read is left out. */
function states<State>(folder: string): [id: string, state: State][] {
  let ids: string[];
  try {
    ids = readdirSync(folder);
  } catch {
    return []; // It never ran.
  }
  return ids.flatMap((id) => {
    try {
      return [[id, JSON.parse(readFileSync(join(folder, id, "state.json"), "utf8")) as State]];
    } catch {
      return [];
    }
  });
}
