/** `1 object`, `3 objects`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** The first few, and how many more there are: `a, b, c and 4 more`. */
export function firstFew(names: readonly string[], limit = 5): string {
  const shown = names.slice(0, limit).join(", ");
  return names.length > limit ? `${shown} and ${names.length - limit} more` : shown;
}

/** A wall-clock time to the second: `2026-01-31T08:00:00Z`. */
export function timeOf(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 19)}Z`;
}

/** A short time with a digit behind the point, a longer one as kubectl writes ages: `0.4 s`, `2m5s`. */
export function tookTime(durationMs: number): string {
  const seconds = durationMs / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  return `${Math.floor(seconds / 60)}m${Math.round(seconds % 60)}s`;
}
