import type { ContainerRuntime } from "../../edged/index.ts";
import { allSteps } from "../all-steps.ts";
import type { RunningTasks, TaskServices } from "../task-entry.ts";
import { TaskManager } from "../task-manager.ts";
import { linuxLoad } from "./linux-load.ts";

/** Makes what does the jobs of this machine; `dataFolder` names the disk that is looked at. */
export function makeTasks(
  services: TaskServices,
  machine: { readonly runtime: ContainerRuntime | undefined; readonly dataFolder: string },
): RunningTasks {
  const steps = allSteps({ ...services, runtime: machine.runtime, load: linuxLoad(machine.dataFolder) });
  return new TaskManager({ ...services, steps });
}
