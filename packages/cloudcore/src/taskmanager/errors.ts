import { SkerryError } from "@skerry/base";

/** The text of an error as a job's status shows it. */
export function statusReason(error: SkerryError): string {
  return `${error.code}: ${error.message}. ${error.advice}`;
}

/** A job cannot be begun as it is written. */
export function jobInvalid(what: string): SkerryError {
  return new SkerryError({
    code: "TASKS_JOB_INVALID",
    message: what,
    advice: "Delete the job and create it anew.",
  });
}

/** A job is for more nodes than one object's status can tell of. */
export function tooManyNodes(count: number, limit: number): SkerryError {
  return new SkerryError({
    code: "TASKS_TOO_MANY_NODES",
    message: `The job is for ${count} nodes; one job can be for ${limit}`,
    advice: "Divide it into several jobs with narrower label selectors.",
    details: { count, limit },
  });
}

/** The job names a node that there is not. */
export function nodeMissing(nodeName: string): SkerryError {
  return new SkerryError({
    code: "TASKS_NODE_MISSING",
    message: `There is no node "${nodeName}"`,
    advice: "`kubectl get nodes` lists them.",
    details: { node: nodeName },
  });
}

/** The job names a node that is not at the edge. */
export function nodeNotEdge(nodeName: string): SkerryError {
  return new SkerryError({
    code: "TASKS_NODE_NOT_EDGE",
    message: `"${nodeName}" is no edge node`,
    advice: "Jobs are for nodes with the label node-role.kubernetes.io/edge.",
    details: { node: nodeName },
  });
}

/** The node was not there when the job began. */
export function nodeNotReady(nodeName: string): SkerryError {
  return new SkerryError({
    code: "TASKS_NODE_NOT_READY",
    message: `"${nodeName}" was not Ready when the job began`,
    advice: "Create another job for it when it is back.",
    details: { node: nodeName },
  });
}

/** KubeEdge's edges before v1.21 know only the jobs' older messages. */
export function nodeTooOld(nodeName: string, version: string): SkerryError {
  return new SkerryError({
    code: "TASKS_NODE_TOO_OLD",
    message: `"${nodeName}" runs KubeEdge ${version}, which does not know these jobs`,
    advice: "They need v1.21 or newer; bring the node there with its own keadm.",
    details: { node: nodeName, version },
  });
}

/** It was the node's turn, but it was not connected. */
export function nodeOffline(nodeName: string, seconds: number): SkerryError {
  return new SkerryError({
    code: "TASKS_NODE_OFFLINE",
    message: `"${nodeName}" was not connected for ${seconds} s when it was its turn`,
    advice: "Create another job for it when it is back.",
    details: { node: nodeName, seconds },
  });
}

/** The node did not report in time. */
export function noReport(nodeName: string, seconds: number): SkerryError {
  return new SkerryError({
    code: "TASKS_NO_REPORT",
    message: `Nothing was heard of "${nodeName}" for ${seconds} s`,
    advice:
      "Check that it is connected and that its modules.taskManager is enabled; what it reports later still counts.",
    details: { node: nodeName, seconds },
  });
}
