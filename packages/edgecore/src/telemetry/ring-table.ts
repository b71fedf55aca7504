import type { JsonValue } from "@skerry/base";
import {
  type RecordedSample,
  readSampleBlock,
  type SampleBlock,
  type SampleQuery,
  sampleBlockJson,
  samplesOf,
} from "@skerry/link";
import type { Reader, Row, Transaction } from "@skerry/store";

/** What a block costs beside its payload. */
const BLOCK_OVERHEAD_BYTES = 64;
/** Blocks read at once, so that a long history does not fill the memory. */
const PAGE_BLOCKS = 64;

/** Where the ring stands. */
export interface RingRecord {
  /** The cloud has all up to this sequence. */
  readonly acknowledged: number;
  /** Samples that left the ring before the cloud had them. */
  readonly dropped: number;
  /** What all blocks count for. */
  readonly bytes: number;
}

/** Part of the ring that one EdgeCore process recorded; sequences go on from segment to segment. */
export interface Segment {
  /** With a sample's sequence it names the sample. */
  readonly stream: string;
  /** The stream begins after this sequence. */
  readonly base: number;
}

/** A block's place in the ring, without its samples. */
export interface BlockRecord {
  readonly first: number;
  readonly last: number;
  readonly toMs: number;
  readonly sizeBytes: number;
}

export function readRing(reader: Reader): RingRecord {
  const row = reader.first("SELECT acknowledged, dropped, bytes FROM telemetry_ring WHERE id = 1");
  return {
    acknowledged: Number(row?.["acknowledged"] ?? 0),
    dropped: Number(row?.["dropped"] ?? 0),
    bytes: Number(row?.["bytes"] ?? 0),
  };
}

export function writeRing(transaction: Transaction, { acknowledged, dropped, bytes }: RingRecord): void {
  transaction.run(
    "INSERT OR REPLACE INTO telemetry_ring (id, acknowledged, dropped, bytes) VALUES (1, ?, ?, ?)",
    acknowledged,
    dropped,
    bytes,
  );
}

/** Begins a segment. One without samples, which has the same base, makes way. */
export function writeSegment(transaction: Transaction, { stream, base }: Segment): void {
  transaction.run("INSERT OR REPLACE INTO telemetry_segment (base, stream) VALUES (?, ?)", base, stream);
}

/** The segment of the sample with this sequence. */
export function segmentAt(reader: Reader, sequence: number): Segment | undefined {
  return readSegment(
    reader.first("SELECT base, stream FROM telemetry_segment WHERE base < ? ORDER BY base DESC LIMIT 1", sequence),
  );
}

/** The segment that comes next. */
export function segmentFrom(reader: Reader, base: number): Segment | undefined {
  return readSegment(
    reader.first("SELECT base, stream FROM telemetry_segment WHERE base >= ? ORDER BY base LIMIT 1", base),
  );
}

/** Removes the segments all of whose samples come before this one. */
export function removeSegmentsBefore(transaction: Transaction, sequence: number): void {
  transaction.run(
    "DELETE FROM telemetry_segment WHERE base < (SELECT max(base) FROM telemetry_segment WHERE base < ?)",
    sequence,
  );
}

function readSegment(row: Row | undefined): Segment | undefined {
  return row && { stream: String(row["stream"]), base: Number(row["base"]) };
}

/** Stores a block; returns the bytes that it counts for. */
export function writeBlock(transaction: Transaction, block: SampleBlock): number {
  const payload = JSON.stringify(sampleBlockJson(block));
  const sizeBytes = Buffer.byteLength(payload) + BLOCK_OVERHEAD_BYTES;
  let [fromMs, toMs] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const [, offsetMs] of block.rows) {
    fromMs = Math.min(fromMs, block.baseMs + offsetMs);
    toMs = Math.max(toMs, block.baseMs + offsetMs);
  }
  transaction.run(
    "INSERT INTO telemetry_block (first, count, from_ms, to_ms, size_bytes, payload) VALUES (?, ?, ?, ?, ?, ?)",
    block.first,
    block.rows.length,
    fromMs,
    toMs,
    sizeBytes,
    payload,
  );
  return sizeBytes;
}

export function removeBlock(transaction: Transaction, first: number): void {
  transaction.run("DELETE FROM telemetry_block WHERE first = ?", first);
}

/** The oldest block, or the newest. */
export function endBlock(reader: Reader, end: "oldest" | "newest"): BlockRecord | undefined {
  const order = end === "oldest" ? "ASC" : "DESC";
  const row = reader.first(
    `SELECT first, count, to_ms, size_bytes FROM telemetry_block ORDER BY first ${order} LIMIT 1`,
  );
  if (row === undefined) return undefined;
  const first = Number(row["first"]);
  return {
    first,
    last: first + Number(row["count"]) - 1,
    toMs: Number(row["to_ms"]),
    sizeBytes: Number(row["size_bytes"]),
  };
}

/** Blocks with samples after `sequence` up to `last`, in order, up to `maximumBytes` together but at least one. */
export function blocksAfter(
  reader: Reader,
  sequence: number,
  last: number,
  maximumBytes: number,
  maximumBlocks: number,
): SampleBlock[] {
  const sizes = reader.all(
    `SELECT first, size_bytes FROM telemetry_block WHERE first + count > ? AND first >= ? AND first <= ?
     ORDER BY first LIMIT ?`,
    sequence + 1,
    // The block that holds the sequence itself begins at or before it.
    Number(reader.first("SELECT max(first) AS first FROM telemetry_block WHERE first <= ?", sequence)?.["first"] ?? 0),
    last,
    maximumBlocks,
  );
  const blocks: SampleBlock[] = [];
  let bytes = 0;
  for (const row of sizes) {
    bytes += Number(row["size_bytes"]);
    if (blocks.length > 0 && bytes > maximumBytes) break;
    const block = readBlock(reader.first("SELECT payload FROM telemetry_block WHERE first = ?", row["first"] ?? 0));
    if (block !== undefined) blocks.push(block);
  }
  return blocks;
}

/** The newest samples that fit, in the order of their sequences. Needs no link and no running EdgeCore. */
export function readSamples(reader: Reader, query: SampleQuery): RecordedSample[] {
  const name = JSON.stringify([query.deviceId, query.property]);
  const found: RecordedSample[] = []; // Newest first.
  let before = Number.MAX_SAFE_INTEGER;
  while (found.length < query.limit) {
    const rows = reader.all(
      `SELECT first, payload FROM telemetry_block WHERE first < ? AND to_ms >= ? AND from_ms <= ?
       ORDER BY first DESC LIMIT ${PAGE_BLOCKS}`,
      before,
      query.sinceMs,
      query.untilMs,
    );
    for (const row of rows) {
      before = Number(row["first"]);
      // Most blocks of a busy node are about other devices: looked through as text, they need not be taken apart.
      if (!String(row["payload"]).includes(name)) continue;
      const block = readBlock(row);
      if (block)
        found.push(
          ...samplesOf(segmentAt(reader, block.first)?.stream ?? "", block)
            .filter((sample) => fits(sample, query))
            .reverse(),
        );
    }
    if (rows.length < PAGE_BLOCKS) break;
  }
  return found.slice(0, query.limit).reverse();
}

function fits(sample: RecordedSample, { deviceId, property, sinceMs, untilMs }: SampleQuery): boolean {
  return (
    sample.deviceId === deviceId &&
    sample.property === property &&
    sample.timestampMs >= sinceMs &&
    sample.timestampMs <= untilMs
  );
}

function readBlock(row: Row | undefined): SampleBlock | undefined {
  return row && readSampleBlock(JSON.parse(String(row["payload"])) as JsonValue);
}
