import { Cron } from "croner";

/** Most missed times that are not worth a word. */
const MANY_MISSED = 100;
const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };

/** When a CronJob's Jobs are due; times in milliseconds since the epoch. */
export interface CronSchedule {
  /** The first time after `afterMs`; undefined when there is none any more. */
  next(afterMs: number): number | undefined;
  /** The last time that is not after `nowMs`; undefined when there was none. */
  latest(nowMs: number): number | undefined;
}

/**
 * Reads a schedule as Kubernetes does: five fields, `@hourly` and the like, or `@every 1h30m`.
 * @param timeZone IANA name. @default UTC
 * @throws Error when the schedule or the time zone cannot be read
 */
export function parseCronSchedule(schedule: string, timeZone = "UTC"): CronSchedule {
  const every = /^@every\s+((?:\d+[hms])+)$/.exec(schedule.trim())?.[1];
  if (every !== undefined) return everySchedule(every);
  const cron = new Cron(schedule, { timezone: timeZone, paused: true });
  // Only a first use shows that the time zone is unknown.
  cron.nextRun(new Date(0));
  return {
    next: (afterMs) => cron.nextRun(new Date(afterMs))?.getTime(),
    latest: (nowMs) => cron.previousRuns(1, new Date(nowMs + 1))[0]?.getTime(),
  };
}

/** Whether more times lie between the two than anybody would want to catch up with. */
export function hasMissedMany(schedule: CronSchedule, afterMs: number, latestMs: number): boolean {
  let atMs: number | undefined = afterMs;
  for (let count = 0; count < MANY_MISSED; count++) {
    atMs = schedule.next(atMs);
    if (atMs === undefined || atMs >= latestMs) return false;
  }
  return true;
}

/** At a fixed distance, counted from the epoch so that a restart changes nothing. */
function everySchedule(text: string): CronSchedule {
  const distanceMs = [...text.matchAll(/(\d+)([hms])/g)].reduce(
    (sum, [, count, unit = "s"]) => sum + Number(count) * (UNIT_MS[unit] ?? 0),
    0,
  );
  if (distanceMs < 1_000) throw new Error(`too short a distance: ${text}`);
  return {
    next: (afterMs) => (Math.floor(afterMs / distanceMs) + 1) * distanceMs,
    latest: (nowMs) => Math.floor(nowMs / distanceMs) * distanceMs,
  };
}
