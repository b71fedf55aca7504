export { TaskManager, type TaskManagerOptions } from "./task-manager.ts";
