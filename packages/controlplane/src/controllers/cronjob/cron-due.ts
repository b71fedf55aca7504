import type { CronJob } from "@skerry/api";
import { type CronSchedule, hasMissedMany } from "./cron-schedule.ts";

/** What a CronJob's clock says; times in milliseconds since the epoch. */
export interface CronDue {
  /** The time that is due now and was not served yet. */
  readonly dueMs?: number;
  /** Whether it came too late to be served. */
  readonly isTooLate: boolean;
  readonly hasMissedMany: boolean;
  /** When to look again; left out when nothing comes any more. */
  readonly nextMs?: number;
}

/** Which time of its schedule a CronJob has to serve: of several missed ones only the last. */
export function cronDue(cronJob: CronJob, schedule: CronSchedule, nowMs: number): CronDue {
  const { startingDeadlineSeconds } = cronJob.spec;
  const next = schedule.next(nowMs);
  const rest = next === undefined ? {} : { nextMs: next };
  const sinceMs = Date.parse(cronJob.status?.lastScheduleTime ?? cronJob.metadata.creationTimestamp ?? "");
  const deadlineMs = startingDeadlineSeconds === undefined ? undefined : startingDeadlineSeconds * 1000;
  const earliestMs = Math.max(
    Number.isNaN(sinceMs) ? nowMs : sinceMs,
    deadlineMs === undefined ? 0 : nowMs - deadlineMs,
  );
  const latest = schedule.latest(nowMs);
  const isServed = latest === undefined || latest <= (Number.isNaN(sinceMs) ? nowMs : sinceMs);
  if (isServed) return { isTooLate: false, hasMissedMany: false, ...rest };
  return {
    dueMs: latest,
    isTooLate: deadlineMs !== undefined && latest + deadlineMs < nowMs,
    hasMissedMany: hasMissedMany(schedule, earliestMs, latest),
    ...rest,
  };
}
