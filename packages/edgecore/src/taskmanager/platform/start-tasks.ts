import type { ConfigUpdater } from "../../configupdates/config-updater.ts";
import type { ContainerRuntime } from "../../edged/index.ts";
import { makeTaskManager } from "../make-task-manager.ts";
import type { RunningTasks, TaskServices } from "../task-entry.ts";
import { linuxLoad } from "./linux-load.ts";

/** Makes what does the jobs of this machine; `dataFolder` names the disk that is looked at. */
export function makeTasks(
  services: TaskServices,
  machine: {
    readonly runtime: ContainerRuntime | undefined;
    readonly updater: ConfigUpdater | undefined;
    readonly dataFolder: string;
  },
): RunningTasks {
  const { dataFolder, ...parts } = machine;
  return makeTaskManager({ ...services, ...parts, load: linuxLoad(dataFolder) });
}
