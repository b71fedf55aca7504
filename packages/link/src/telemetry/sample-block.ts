import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import type { RecordedSample, Sample } from "./sample.ts";

/** Names what is measured: device and property. */
export type Series = readonly [deviceId: string, property: string];

/** One sample of a block: index into the block's series, milliseconds after the block's base time, value. */
export type SampleRow = readonly [seriesIndex: number, offsetMs: number, value: string];

/**
 * Samples that follow one another without a gap, in the form in which the edge stores and sends them. Names are said
 * once a block and times are offsets, so that a sample costs little more than its value.
 */
export interface SampleBlock {
  /** Sequence of the first sample. */
  readonly first: number;
  readonly baseMs: number;
  readonly series: readonly Series[];
  readonly rows: readonly SampleRow[];
}

/** Limits of one block; what is beyond them is no block. */
export const SAMPLE_BLOCK_LIMITS: Readonly<
  Record<"maximumRows" | "maximumValueBytes" | "maximumNameCharacters", number>
> = { maximumRows: 1_000, maximumValueBytes: 64 * 1024, maximumNameCharacters: 512 };

/** Sequence of a block's last sample. */
export function lastSequenceOf(block: SampleBlock): number {
  return block.first + block.rows.length - 1;
}

/** Puts samples into a block; at least one. */
export function toSampleBlock(first: number, samples: readonly Sample[]): SampleBlock {
  const baseMs = samples[0]?.timestampMs ?? 0;
  const indexes = new Map<string, number>();
  const series: Series[] = [];
  const rows = samples.map(({ deviceId, property, value, timestampMs }): SampleRow => {
    const key = `${deviceId}\n${property}`;
    let index = indexes.get(key);
    if (index === undefined) {
      index = series.push([deviceId, property]) - 1;
      indexes.set(key, index);
    }
    return [index, timestampMs - baseMs, value];
  });
  return { first, baseMs, series, rows };
}

/** The samples of a block, in their order. */
export function samplesOf(stream: string, block: SampleBlock): RecordedSample[] {
  return block.rows.map(([seriesIndex, offsetMs, value], index) => {
    const [deviceId = "", property = ""] = block.series[seriesIndex] ?? [];
    return { stream, sequence: block.first + index, deviceId, property, value, timestampMs: block.baseMs + offsetMs };
  });
}

/** A block as JSON. */
export function sampleBlockJson(block: SampleBlock): JsonObject {
  return {
    first: block.first,
    baseMs: block.baseMs,
    series: block.series.map(([deviceId, property]) => [deviceId, property]),
    rows: block.rows.map(([seriesIndex, offsetMs, value]) => [seriesIndex, offsetMs, value]),
  };
}

/** Reads a block that came from elsewhere; undefined when it is none or beyond the limits. */
export function readSampleBlock(value: JsonValue | undefined): SampleBlock | undefined {
  if (!isJsonObject(value)) return undefined;
  const { first, baseMs, series, rows } = value;
  if (!isSequence(first) || typeof baseMs !== "number" || !Number.isSafeInteger(baseMs)) return undefined;
  if (!Array.isArray(series) || !Array.isArray(rows)) return undefined;
  const { maximumRows } = SAMPLE_BLOCK_LIMITS;
  if (rows.length === 0 || rows.length > maximumRows || series.length > maximumRows) return undefined;
  if (!series.every(isSeries) || !rows.every((row) => isRow(row, series.length))) return undefined;
  return { first, baseMs, series: series as unknown as Series[], rows: rows as unknown as SampleRow[] };
}

function isSequence(value: JsonValue | undefined): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 1;
}

function isSeries(value: JsonValue): boolean {
  if (!Array.isArray(value) || value.length !== 2) return false;
  const { maximumNameCharacters } = SAMPLE_BLOCK_LIMITS;
  return value.every((name) => typeof name === "string" && name !== "" && name.length <= maximumNameCharacters);
}

function isRow(value: JsonValue, seriesCount: number): boolean {
  if (!Array.isArray(value) || value.length !== 3) return false;
  const [seriesIndex, offsetMs, text] = value;
  return (
    typeof seriesIndex === "number" &&
    Number.isInteger(seriesIndex) &&
    seriesIndex >= 0 &&
    seriesIndex < seriesCount &&
    typeof offsetMs === "number" &&
    Number.isSafeInteger(offsetMs) &&
    typeof text === "string" &&
    !text.includes("\0") && // PostgreSQL has no room for it in a text.
    Buffer.byteLength(text, "utf8") <= SAMPLE_BLOCK_LIMITS.maximumValueBytes
  );
}
