/** A schedule's five places: name, lowest and highest value, names that stand for values. */
const PLACES: readonly { readonly low: number; readonly high: number; readonly names?: string }[] = [
  { low: 0, high: 59 },
  { low: 0, high: 23 },
  { low: 1, high: 31 },
  { low: 1, high: 12, names: "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec" },
  { low: 0, high: 6, names: "sun|mon|tue|wed|thu|fri|sat" },
];
const SHORTHANDS: ReadonlySet<string> = new Set([
  "@yearly",
  "@annually",
  "@monthly",
  "@weekly",
  "@daily",
  "@midnight",
  "@hourly",
]);

/** What is wrong with a CronJob's schedule, in the words of the library that Kubernetes uses; undefined when nothing is. */
export function cronScheduleError(schedule: string): string | undefined {
  const text = schedule.trim();
  if (text.startsWith("@"))
    return SHORTHANDS.has(text) || /^@every\s+(\d+[hms])+$/.test(text) ? undefined : `unrecognized descriptor: ${text}`;
  const fields = text.split(/\s+/);
  if (fields.length !== PLACES.length)
    return `expected exactly 5 fields, found ${fields.length}: [${fields.join(" ")}]`;
  for (const [index, field] of fields.entries()) {
    const place = PLACES[index];
    for (const part of place ? field.split(",") : []) {
      const problem = place && partError(part, place);
      if (problem !== undefined) return problem;
    }
  }
  return undefined;
}

function partError(part: string, { low, high, names }: (typeof PLACES)[number]): string | undefined {
  const [range = "", step, ...more] = part.split("/");
  if (more.length > 0) return `too many slashes: ${part}`;
  if (step !== undefined && !/^\d+$/.test(step))
    return `failed to parse int from ${step}: strconv.Atoi: parsing ${JSON.stringify(step)}: invalid syntax`;
  if (step !== undefined && Number(step) === 0) return `step of range should be a positive number: ${part}`;
  if (range === "*" || range === "?") return undefined;
  const ends = range.split("-");
  if (ends.length > 2) return `too many hyphens: ${part}`;
  const values: number[] = [];
  for (const end of ends) {
    const named = names?.split("|").indexOf(end.toLowerCase()) ?? -1;
    if (named === -1 && !/^\d+$/.test(end))
      return `failed to parse int from ${end}: strconv.Atoi: parsing ${JSON.stringify(end)}: invalid syntax`;
    values.push(named === -1 ? Number(end) : named + low);
  }
  const [first = low, last = first] = values;
  if (first < low) return `beginning of range (${first}) below minimum (${low}): ${part}`;
  if (last > high) return `end of range (${last}) above maximum (${high}): ${part}`;
  return first > last ? `beginning of range (${first}) beyond end of range (${last}): ${part}` : undefined;
}
