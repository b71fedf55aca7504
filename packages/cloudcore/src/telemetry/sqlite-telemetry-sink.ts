import type { SampleQuery } from "@skerry/link";
import type { Database, Migration, Reader, Row, Transaction } from "@skerry/store";
import {
  type AppendResult,
  placeBatch,
  refusal,
  type SampleBatch,
  type StoredSample,
  type StoredStream,
  type TelemetrySink,
} from "./telemetry-sink.ts";

/** Tables of the samples in the cloud. */
export const telemetrySinkMigrations: readonly Migration[] = [
  `CREATE TABLE telemetry_stream (
     id INTEGER PRIMARY KEY,
     node TEXT NOT NULL,
     stream TEXT NOT NULL,
     cursor INTEGER NOT NULL,
     missing INTEGER NOT NULL,
     UNIQUE (node, stream)
   );
   CREATE TABLE telemetry_series (
     id INTEGER PRIMARY KEY,
     device TEXT NOT NULL,
     property TEXT NOT NULL,
     UNIQUE (device, property)
   );
   CREATE TABLE telemetry_sample (
     stream_id INTEGER NOT NULL,
     sequence INTEGER NOT NULL,
     series_id INTEGER NOT NULL,
     time_ms INTEGER NOT NULL,
     value TEXT NOT NULL,
     PRIMARY KEY (stream_id, sequence)
   ) WITHOUT ROWID;
   CREATE INDEX telemetry_sample_of_series ON telemetry_sample (series_id, time_ms)`,
];

/** Rows removed in one transaction, so that samples do not wait long for the writer. */
const PRUNE_ROWS = 5_000;

/** {@link TelemetrySink} over SQLite: for one machine, without a server. */
export class SqliteTelemetrySink implements TelemetrySink {
  readonly #database: Database;

  /** `database` was opened with {@link telemetrySinkMigrations}; the sink closes it. */
  constructor(database: Database) {
    this.#database = database;
  }

  async cursor(nodeName: string, stream: string): Promise<number> {
    return this.#database.read((reader) => readStreamRow(reader, nodeName, stream)?.cursor ?? 0);
  }

  append(batch: SampleBatch): Promise<AppendResult> {
    return this.#database.transaction((transaction) => {
      const known = readStreamRow(transaction, batch.nodeName, batch.stream);
      const refused = refusal(batch, known?.cursor, () => cursorBefore(transaction, batch));
      if (refused !== undefined) return refused;
      const { result, toStore } = placeBatch(batch, known?.cursor ?? batch.base);
      const streamId = writeStreamRow(transaction, batch, known, result);
      const seriesIds = new Map<string, number>();
      for (const { deviceId, property, sequence, timestampMs, value } of toStore) {
        const name = `${deviceId}\n${property}`;
        let seriesId = seriesIds.get(name);
        if (seriesId === undefined) {
          seriesId = seriesIdOf(transaction, deviceId, property);
          seriesIds.set(name, seriesId);
        }
        transaction.run(
          "INSERT INTO telemetry_sample (stream_id, sequence, series_id, time_ms, value) VALUES (?, ?, ?, ?, ?)",
          streamId,
          sequence,
          seriesId,
          timestampMs,
          value,
        );
      }
      return result;
    });
  }

  async query(query: SampleQuery): Promise<StoredSample[]> {
    return this.#database.read((reader) => readStoredSamples(reader, query));
  }

  async streams(): Promise<StoredStream[]> {
    return this.#database.read((reader) =>
      reader.all("SELECT node, stream, cursor, missing FROM telemetry_stream ORDER BY node, stream").map((row) => ({
        nodeName: String(row["node"]),
        stream: String(row["stream"]),
        cursor: Number(row["cursor"]),
        missing: Number(row["missing"]),
      })),
    );
  }

  async prune(beforeMs: number): Promise<number> {
    const seriesIds = this.#database.read((reader) => reader.all("SELECT id FROM telemetry_series"));
    let total = 0;
    for (const { id = 0 } of seriesIds) {
      for (let removed = PRUNE_ROWS; removed === PRUNE_ROWS; total += removed)
        removed = await this.#database.transaction((transaction) =>
          transaction.run(
            `DELETE FROM telemetry_sample WHERE (stream_id, sequence) IN
               (SELECT stream_id, sequence FROM telemetry_sample WHERE series_id = ? AND time_ms < ? LIMIT ${PRUNE_ROWS})`,
            id,
            beforeMs,
          ),
        );
    }
    return total;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#database[Symbol.asyncDispose]();
  }
}

/** The newest samples that fit, by time; for a reader of the database's file too, while CloudCore runs or not. */
export function readStoredSamples(reader: Reader, query: SampleQuery): StoredSample[] {
  return reader
    .all(
      `SELECT node, stream, sequence, time_ms, value
       FROM telemetry_series AS series
       JOIN telemetry_sample AS sample ON sample.series_id = series.id
       JOIN telemetry_stream AS stream ON stream.id = sample.stream_id
       WHERE device = ? AND property = ? AND time_ms BETWEEN ? AND ?
       ORDER BY time_ms DESC, stream_id DESC, sequence DESC LIMIT ?`,
      query.deviceId,
      query.property,
      query.sinceMs,
      query.untilMs,
      query.limit,
    )
    .map((row) => toStoredSample(row, query))
    .reverse();
}

interface StreamRow {
  readonly id: number;
  readonly cursor: number;
  readonly missing: number;
}

function readStreamRow(reader: Reader, nodeName: string, stream: string): StreamRow | undefined {
  const row = reader.first(
    "SELECT id, cursor, missing FROM telemetry_stream WHERE node = ? AND stream = ?",
    nodeName,
    stream,
  );
  return row && { id: Number(row["id"]), cursor: Number(row["cursor"]), missing: Number(row["missing"]) };
}

/** Of the stream that the batch's follows on, or the highest of all. */
function cursorBefore(reader: Reader, { nodeName, afterStream }: SampleBatch): number {
  const row = reader.first(
    "SELECT max(cursor) AS cursor FROM telemetry_stream WHERE node = ? AND stream = coalesce(?, stream)",
    nodeName,
    afterStream ?? null,
  );
  return Number(row?.["cursor"] ?? 0);
}

/** Returns the row's id. */
function writeStreamRow(
  transaction: Transaction,
  { nodeName, stream }: SampleBatch,
  known: StreamRow | undefined,
  { cursor, missing }: AppendResult,
): number {
  if (known !== undefined) {
    const total = known.missing + missing;
    transaction.run("UPDATE telemetry_stream SET cursor = ?, missing = ? WHERE id = ?", cursor, total, known.id);
    return known.id;
  }
  const row = transaction.first(
    "INSERT INTO telemetry_stream (node, stream, cursor, missing) VALUES (?, ?, ?, ?) RETURNING id",
    nodeName,
    stream,
    cursor,
    missing,
  );
  return Number(row?.["id"]);
}

function seriesIdOf(transaction: Transaction, deviceId: string, property: string): number {
  const known = transaction.first(
    "SELECT id FROM telemetry_series WHERE device = ? AND property = ?",
    deviceId,
    property,
  );
  const row =
    known ??
    transaction.first("INSERT INTO telemetry_series (device, property) VALUES (?, ?) RETURNING id", deviceId, property);
  return Number(row?.["id"]);
}

function toStoredSample(row: Row, { deviceId, property }: SampleQuery): StoredSample {
  return {
    nodeName: String(row["node"]),
    stream: String(row["stream"]),
    sequence: Number(row["sequence"]),
    deviceId,
    property,
    timestampMs: Number(row["time_ms"]),
    value: String(row["value"]),
  };
}
