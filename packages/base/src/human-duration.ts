const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;

/** A duration as kubectl shows ages: two units at most, fewer the longer it is. */
export function humanDuration(durationMs: number): string {
  if (durationMs < -2 * SECOND) return "<invalid>";
  if (durationMs < 0) return "0s";
  const whole = (unit: number): number => Math.floor(durationMs / unit);
  const pair = (large: number, largeName: string, small: number, smallName: string): string => {
    const rest = Math.floor((durationMs % large) / small);
    return `${whole(large)}${largeName}${rest === 0 ? "" : `${rest}${smallName}`}`;
  };
  if (durationMs < 2 * MINUTE) return `${whole(SECOND)}s`;
  if (durationMs < 10 * MINUTE) return pair(MINUTE, "m", SECOND, "s");
  if (durationMs < 3 * HOUR) return `${whole(MINUTE)}m`;
  if (durationMs < 8 * HOUR) return pair(HOUR, "h", MINUTE, "m");
  if (durationMs < 2 * DAY) return `${whole(HOUR)}h`;
  if (durationMs < 8 * DAY) return pair(DAY, "d", HOUR, "h");
  if (durationMs < 2 * YEAR) return `${whole(DAY)}d`;
  if (durationMs < 8 * YEAR) return pair(YEAR, "y", DAY, "d");
  return `${whole(YEAR)}y`;
}

/** The age of a time text; `<unknown>` when there is none. */
export function ageOf(time: unknown, nowMs: number): string {
  if (typeof time !== "string" || time === "") return "<unknown>";
  return humanDuration(nowMs - Date.parse(time));
}
