import type { ImageStatus, NodeActionStatus, NodeTaskPhase, NodeTaskStatus } from "@skerry/api";
import { isJsonObject } from "@skerry/base";
import { NODE_JOB_FLOWS, type NodeJobReport, type NodeJobType, ROLL_BACK, ROLLED_BACK_AFTER } from "@skerry/link";
import { nodeOffline, noReport, statusReason } from "./errors.ts";

/** Images told of one node. */
const IMAGE_LIMIT = 200;
const IMAGE_REASON_LENGTH = 500;

/**
 * A node's part with one more report; the same part when it says nothing new. Reports may come twice and in any order;
 * undefined when the kind of job has no such step.
 */
export function withReport(type: NodeJobType, task: NodeTaskStatus, report: NodeJobReport): NodeTaskStatus | undefined {
  const steps = [...NODE_JOB_FLOWS[type], ROLL_BACK];
  if (!steps.includes(report.action)) return undefined;
  const step: NodeActionStatus = {
    action: report.action,
    status: report.succeeded ? "True" : "False",
    ...(report.reason === "" ? {} : { reason: report.reason }),
    ...(report.finishTime === "" ? {} : { time: report.finishTime }),
  };
  const others = (task.actionFlow ?? []).filter(({ action }) => action !== report.action);
  const actionFlow = [...others, step].sort((left, right) => steps.indexOf(left.action) - steps.indexOf(right.action));
  const { nodeName, imageStatus, historicVersion, currentVersion } = task;
  const failed = actionFlow.find(({ status }) => status === "False");
  const reason = failed && `${failed.action}: ${failed.reason ?? "no reason given"}`;
  const next: NodeTaskStatus = {
    nodeName,
    phase: phaseOf(type, actionFlow),
    ...(reason === undefined ? {} : { reason }),
    actionFlow,
    ...(imageStatus ? { imageStatus } : {}),
    ...(historicVersion ? { historicVersion } : {}),
    ...(currentVersion ? { currentVersion } : {}),
    ...extension(type, report),
  };
  return next;
}

/** A node's part after too long a silence. */
export function silenced(task: NodeTaskStatus, seconds: number): NodeTaskStatus {
  if (task.phase === "Pending")
    return { ...task, phase: "Failure", reason: statusReason(nodeOffline(task.nodeName, seconds)) };
  // A failed step is known; whether the node has gone back is not.
  const hasFailed = (task.actionFlow ?? []).some(({ status }) => status === "False");
  if (hasFailed) return { ...task, phase: "Failure" };
  return { ...task, phase: "Unknown", reason: statusReason(noReport(task.nodeName, seconds)) };
}

/** Whether the node waits for somebody to confirm its upgrade, which may take any time. */
export function waitsForConfirmation(type: NodeJobType, task: NodeTaskStatus, requireConfirmation: boolean): boolean {
  return type === "nodeupgradejob" && requireConfirmation && task.actionFlow?.at(-1)?.action === "WaitingConfirmation";
}

/** A node that went back has failed, however well that went (cloud.md 14.5, 50). */
function phaseOf(type: NodeJobType, actionFlow: readonly NodeActionStatus[]): NodeTaskPhase {
  if (actionFlow.some(({ action }) => action === ROLL_BACK)) return "Failure";
  const failed = actionFlow.find(({ status }) => status === "False");
  if (failed) return ROLLED_BACK_AFTER.has(failed.action) ? "InProgress" : "Failure";
  return actionFlow.at(-1)?.action === NODE_JOB_FLOWS[type].at(-1) ? "Successful" : "InProgress";
}

function extension(type: NodeJobType, { action, extend }: NodeJobReport): Partial<NodeTaskStatus> {
  if (extend === "") return {};
  if (type === "imageprepulljob" && action === "Pull") return { imageStatus: imageStatuses(extend) };
  if (type !== "nodeupgradejob") return {};
  const [from = "", to = ""] = extend.slice(0, 200).split(",");
  return { ...(from ? { historicVersion: from } : {}), ...(to ? { currentVersion: to } : {}) };
}

function imageStatuses(extend: string): ImageStatus[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(extend);
  } catch {
    return [];
  }
  if (!Array.isArray(parsed)) return [];
  return parsed
    .slice(0, IMAGE_LIMIT)
    .filter(isJsonObject)
    .map(({ image, status, reason }) => ({
      image: String(image ?? "").slice(0, IMAGE_REASON_LENGTH),
      status: status === "True" ? "True" : "False",
      ...(typeof reason === "string" && reason !== "" ? { reason: reason.slice(0, IMAGE_REASON_LENGTH) } : {}),
    }));
}
