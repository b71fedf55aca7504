// All that is loaded when the process runtime is used, so that it is one file of the shipped form, and EdgeCore loads none.
export { checkAbility, describeAbility } from "./ability.ts";
export { ControlGroups, removeControlGroups } from "./control-groups.ts";
export { loadImageArchive } from "./image-archive.ts";
export { killProcessContainers, runningProcessContainers } from "./left-processes.ts";
export { checkOutbound, mayHaveOutbound } from "./outbound-network.ts";
export { imageStore, startProcessRuntime } from "./start-process-runtime.ts";
