import { SkerryError } from "@skerry/base";

/** The text of an error as a job's status shows it. */
export function reasonOf(error: SkerryError): string {
  return `${error.code}: ${error.message}. ${error.advice}`;
}

/** Jobs are switched off on this node. */
export function tasksDisabled(): SkerryError {
  return new SkerryError({
    code: "EDGECORE_TASKS_DISABLED",
    message: "This node takes no jobs",
    advice: "Set modules.taskManager.enable to true in its edgecore.yaml and start EdgeCore again.",
  });
}

/** The cloud asks for a step that this node does not know. */
export function actionUnknown(action: string): SkerryError {
  return new SkerryError({
    code: "EDGECORE_TASK_ACTION_UNKNOWN",
    message: `Such a job has no step "${action.slice(0, 100)}"`,
    advice: "The cloud may be newer than this node; update EdgeCore.",
    details: { action: action.slice(0, 100) },
  });
}

/** More jobs than this node does at once. */
export function tooManyTasks(limit: number): SkerryError {
  return new SkerryError({
    code: "EDGECORE_TOO_MANY_TASKS",
    message: `This node has ${limit} jobs to do already`,
    advice: "Wait until they are done, then create the job anew.",
    details: { limit },
  });
}

/** A job says what cannot be done. */
export function specInvalid(what: string): SkerryError {
  return new SkerryError({
    code: "EDGECORE_TASK_INVALID",
    message: what,
    advice: "Delete the job and create it anew.",
  });
}

/** The machine has not enough left of something. */
export function machineBusy(item: string, percent: number, limitPercent: number): SkerryError {
  return new SkerryError({
    code: "EDGECORE_TASK_CHECK_FAILED",
    message: `${item} is used to ${percent.toFixed(0)} %, more than ${limitPercent} %`,
    advice: "Make room on the node, or leave the check out of the job's checkItems.",
    details: { item, percent: Math.round(percent) },
  });
}

/** EdgeCore does not upgrade itself. */
export function upgradeUnsupported(): SkerryError {
  return new SkerryError({
    code: "EDGECORE_UPGRADE_UNSUPPORTED",
    message: "Skerry's EdgeCore does not upgrade itself; KubeEdge's installation images are not for it",
    advice:
      "Install the new version of the skerry package on the node (or update its clone and run npm ci there) and start it again: its containers go on meanwhile.",
  });
}

/** The node runs no containers. */
export function noRuntime(): SkerryError {
  return new SkerryError({
    code: "EDGECORE_TASK_NO_RUNTIME",
    message: "This node runs no containers: modules.edged is switched off",
    advice: "Leave the node out of the job.",
  });
}
