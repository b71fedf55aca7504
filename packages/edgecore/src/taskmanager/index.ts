export { type RunningTasks, TaskEntry, type TaskEntryPorts, type TaskServices } from "./task-entry.ts";
