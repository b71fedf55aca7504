import type { RecordedSample } from "@skerry/link";

/** How samples are shown. */
export type SampleFormat = "table" | "csv" | "json";

const BARS = "▁▂▃▄▅▆▇█";

/** The samples as lines of text. `width`: columns of the terminal, for the sparkline; undefined where there is none. */
export function formatSamples(samples: readonly RecordedSample[], format: SampleFormat, width?: number): string[] {
  switch (format) {
    case "json":
      return [JSON.stringify(samples.map(asRecord), null, 2)];
    case "csv":
      return [
        "time,value,stream,sequence",
        ...samples.map(asRecord).map((row) => `${row.time},${csvField(row.value)},${row.stream},${row.sequence}`),
      ];
    case "table":
      return [...summary(samples, width), ...table(samples)];
  }
}

/** Smallest to largest value as bars, at most `width` of them; undefined unless all values are numbers. */
export function sparkline(values: readonly string[], width: number): string | undefined {
  const numbers = values.map((value) => (value.trim() === "" ? Number.NaN : Number(value)));
  if (numbers.length < 2 || width < 2 || !numbers.every(Number.isFinite)) return undefined;
  const count = Math.min(width, numbers.length);
  const means = Array.from({ length: count }, (_, index) => {
    const from = Math.floor((index * numbers.length) / count);
    const part = numbers.slice(from, Math.floor(((index + 1) * numbers.length) / count));
    return part.reduce((sum, value) => sum + value, 0) / part.length;
  });
  const least = Math.min(...means);
  const range = Math.max(...means) - least;
  return means.map((mean) => BARS[range === 0 ? 0 : Math.round(((mean - least) / range) * (BARS.length - 1))]).join("");
}

function summary(samples: readonly RecordedSample[], width: number | undefined): string[] {
  if (width === undefined) return [];
  const line = sparkline(
    samples.map(({ value }) => value),
    Math.min(width, 100),
  );
  if (line === undefined) return [];
  const numbers = samples.map(({ value }) => Number(value));
  let [least, most, sum] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
  for (const number of numbers) [least, most, sum] = [Math.min(least, number), Math.max(most, number), sum + number];
  const mean = Number((sum / numbers.length).toPrecision(6));
  return [line, `${samples.length} samples, minimum ${least}, mean ${mean}, maximum ${most}`, ""];
}

function table(samples: readonly RecordedSample[]): string[] {
  if (samples.length === 0) return [];
  return [
    "TIME                      VALUE",
    ...samples.map(asRecord).map(({ time, value }) => `${time}  ${oneLine(value)}`),
  ];
}

/** What a script gets. */
function asRecord(sample: RecordedSample): { time: string; value: string; stream: string; sequence: number } {
  const { timestampMs, value, stream, sequence } = sample;
  return { time: new Date(timestampMs).toISOString(), value, stream, sequence };
}

/** RFC 4180. */
function csvField(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** A value may be anything a device said: control characters must not reach the terminal. */
function oneLine(text: string): string {
  const shown = text.replaceAll(/\p{Cc}/gu, " ");
  return shown.length > 200 ? `${shown.slice(0, 200)} …` : shown;
}
