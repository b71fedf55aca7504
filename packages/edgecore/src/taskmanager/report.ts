import type { Clock } from "@skerry/base";
import { toKubernetesTime } from "@skerry/base";
import { NODE_JOB_REPORT, type NodeJobReport, nodeJobReportContent } from "@skerry/link";
import type { Transaction } from "@skerry/store";
import type { Outbox } from "../metamanager/meta-store.ts";

/** Texts of a job's status are for reading. */
const LONGEST_REASON = 2_000;

/** A report of one step, made now. */
export function newReport(
  clock: Pick<Clock, "now">,
  jobUid: string,
  action: string,
  outcome: { readonly succeeded: boolean; readonly reason?: string; readonly extend?: string },
): NodeJobReport {
  const { succeeded, reason = "", extend = "" } = outcome;
  const finishTime = toKubernetesTime(clock.now());
  return { action, succeeded, finishTime, reason: reason.slice(0, LONGEST_REASON), extend, jobUid };
}

/** Sends it when the cloud can be reached, and until it has answered. */
export function putReport(outbox: Outbox, transaction: Transaction, resource: string, report: NodeJobReport): void {
  outbox.put(transaction, {
    key: `task/${resource}/${report.action}`,
    source: "websocket",
    group: "hub",
    operation: NODE_JOB_REPORT,
    resource,
    content: nodeJobReportContent(report),
  });
}
