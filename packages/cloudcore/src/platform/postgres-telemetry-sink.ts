import { SkerryError } from "@skerry/base";
import type { SampleQuery } from "@skerry/link";
import { Pool, type PoolClient } from "pg";
import {
  type AppendResult,
  placeBatch,
  refusal,
  type SampleBatch,
  type StoredSample,
  type StoredStream,
  type TelemetrySink,
} from "../telemetry/telemetry-sink.ts";

/** As SQLite's, with PostgreSQL's types. Several CloudCores may run it at once. */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS telemetry_stream (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    node text NOT NULL,
    stream text NOT NULL,
    cursor bigint NOT NULL,
    missing bigint NOT NULL,
    UNIQUE (node, stream)
  );
  CREATE TABLE IF NOT EXISTS telemetry_series (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device text NOT NULL,
    property text NOT NULL,
    UNIQUE (device, property)
  );
  CREATE TABLE IF NOT EXISTS telemetry_sample (
    stream_id bigint NOT NULL,
    sequence bigint NOT NULL,
    series_id bigint NOT NULL,
    time_ms bigint NOT NULL,
    value text NOT NULL,
    PRIMARY KEY (stream_id, sequence)
  );
  CREATE INDEX IF NOT EXISTS telemetry_sample_of_series ON telemetry_sample (series_id, time_ms);
`;
/** Held while the tables are made, so that two CloudCores that start together do not meet. */
const SCHEMA_LOCK = 7_357_001;

const CONNECTIONS = 4;
const CONNECT_TIMEOUT_MS = 10_000;
const STATEMENT_TIMEOUT_MS = 60_000;
const PRUNE_ROWS = 10_000;

/**
 * {@link TelemetrySink} over PostgreSQL: for many nodes, or several CloudCores. It connects when it is first used, and
 * makes the tables where they are missing; all its operations throw `TELEMETRY_SINK_UNREACHABLE` until that has worked.
 */
export class PostgresTelemetrySink implements TelemetrySink {
  readonly #url: string;
  readonly #pool: Pool;
  #prepared: Promise<void> | undefined;

  /** `url`: `postgresql://user:password@host/database`. */
  constructor(url: string) {
    this.#url = url;
    this.#pool = new Pool({
      connectionString: url,
      max: CONNECTIONS,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      statement_timeout: STATEMENT_TIMEOUT_MS,
      application_name: "skerry",
    });
    this.#pool.on("error", () => undefined); // An idle connection that breaks is replaced by the next query.
  }

  async cursor(nodeName: string, stream: string): Promise<number> {
    const pool = await this.#usable();
    const { rows } = await pool.query<{ cursor: string }>(
      "SELECT cursor FROM telemetry_stream WHERE node = $1 AND stream = $2",
      [nodeName, stream],
    );
    return Number(rows[0]?.cursor ?? 0);
  }

  async append(batch: SampleBatch): Promise<AppendResult> {
    return await inTransaction(await this.#usable(), async (client) => {
      const { nodeName, stream, base } = batch;
      const refused = await refusalOf(client, batch);
      if (refused !== undefined) return refused;
      await client.query(
        "INSERT INTO telemetry_stream (node, stream, cursor, missing) VALUES ($1, $2, $3, 0) ON CONFLICT DO NOTHING",
        [nodeName, stream, base],
      );
      // Locked, so that two CloudCores with messages of one stream take turns.
      const { rows } = await client.query<{ id: string; cursor: string }>(
        "SELECT id, cursor FROM telemetry_stream WHERE node = $1 AND stream = $2 FOR UPDATE",
        [nodeName, stream],
      );
      const { id = "0", cursor = "0" } = rows[0] ?? {};
      const { result, toStore } = placeBatch(batch, Number(cursor));
      if (toStore.length > 0) await insertSamples(client, id, toStore);
      await client.query("UPDATE telemetry_stream SET cursor = $2, missing = missing + $3 WHERE id = $1", [
        id,
        result.cursor,
        result.missing,
      ]);
      return result;
    });
  }

  async query({ deviceId, property, sinceMs, untilMs, limit }: SampleQuery): Promise<StoredSample[]> {
    const pool = await this.#usable();
    const { rows } = await pool.query<Record<"node" | "stream" | "sequence" | "time_ms" | "value", string>>(
      `SELECT node, stream, sequence, time_ms, value
       FROM telemetry_series AS series
       JOIN telemetry_sample AS sample ON sample.series_id = series.id
       JOIN telemetry_stream AS stream ON stream.id = sample.stream_id
       WHERE device = $1 AND property = $2 AND time_ms BETWEEN $3 AND $4
       ORDER BY time_ms DESC, stream_id DESC, sequence DESC LIMIT $5`,
      [deviceId, property, sinceMs, untilMs, limit],
    );
    return rows
      .map((row) => ({
        nodeName: row.node,
        stream: row.stream,
        sequence: Number(row.sequence),
        deviceId,
        property,
        timestampMs: Number(row.time_ms),
        value: row.value,
      }))
      .reverse();
  }

  async streams(): Promise<StoredStream[]> {
    const pool = await this.#usable();
    const { rows } = await pool.query<Record<"node" | "stream" | "cursor" | "missing", string>>(
      "SELECT node, stream, cursor, missing FROM telemetry_stream ORDER BY node, stream",
    );
    return rows.map(({ node, stream, cursor, missing }) => ({
      nodeName: node,
      stream,
      cursor: Number(cursor),
      missing: Number(missing),
    }));
  }

  async prune(beforeMs: number): Promise<number> {
    const pool = await this.#usable();
    const { rows } = await pool.query<{ id: string }>("SELECT id FROM telemetry_series");
    let total = 0;
    for (const { id } of rows) {
      for (let removed = PRUNE_ROWS; removed === PRUNE_ROWS; total += removed) {
        const { rowCount } = await pool.query(
          `DELETE FROM telemetry_sample WHERE (stream_id, sequence) IN
             (SELECT stream_id, sequence FROM telemetry_sample WHERE series_id = $1 AND time_ms < $2 LIMIT $3)`,
          [id, beforeMs, PRUNE_ROWS],
        );
        removed = rowCount ?? 0;
      }
    }
    return total;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.end();
  }

  async #usable(): Promise<Pool> {
    try {
      this.#prepared ??= inTransaction(this.#pool, async (client) => {
        await client.query("SELECT pg_advisory_xact_lock($1)", [SCHEMA_LOCK]);
        await client.query(SCHEMA);
      });
      await this.#prepared;
    } catch (error) {
      this.#prepared = undefined;
      throw sinkUnreachable(this.#url, error);
    }
    return this.#pool;
  }
}

/** Asked before the stream's row is made, which would pass for what the sink has. */
async function refusalOf(client: PoolClient, batch: SampleBatch): Promise<AppendResult | undefined> {
  if (batch.after === undefined) return undefined;
  const { rows } = await client.query<{ cursor: string | null; before: string | null }>(
    `SELECT max(cursor) FILTER (WHERE stream = $2) AS cursor,
            max(cursor) FILTER (WHERE stream = coalesce($3, stream)) AS before
     FROM telemetry_stream WHERE node = $1`,
    [batch.nodeName, batch.stream, batch.afterStream ?? null],
  );
  const { cursor, before } = rows[0] ?? {};
  return refusal(batch, cursor == null ? undefined : Number(cursor), () => Number(before ?? 0));
}

/** One statement for all samples, in which each series is named once: a round trip each would be the limit of a busy node. */
async function insertSamples(client: PoolClient, streamId: string, samples: SampleBatch["samples"]): Promise<void> {
  const series = new Map<string, number>();
  const [devices, properties]: [string[], string[]] = [[], []];
  const places = samples.map(({ deviceId, property }) => {
    const key = `${deviceId}\n${property}`;
    const known = series.get(key);
    if (known !== undefined) return known;
    properties.push(property);
    const place = devices.push(deviceId);
    series.set(key, place);
    return place;
  });
  await client.query(
    `INSERT INTO telemetry_series (device, property)
     SELECT device, property FROM unnest($1::text[], $2::text[]) AS new (device, property)
     WHERE NOT EXISTS (SELECT FROM telemetry_series AS known
                       WHERE known.device = new.device AND known.property = new.property)
     ORDER BY device, property ON CONFLICT DO NOTHING`,
    [devices, properties],
  );
  await client.query(
    `INSERT INTO telemetry_sample (stream_id, sequence, series_id, time_ms, value)
     SELECT $1, new.sequence, series.id, new.time_ms, new.value
     FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::text[]) AS new (sequence, place, time_ms, value)
     JOIN unnest($6::text[], $7::text[]) WITH ORDINALITY AS named (device, property, place) USING (place)
     JOIN telemetry_series AS series USING (device, property)`,
    [
      streamId,
      numberArray(samples.map(({ sequence }) => sequence)),
      numberArray(places),
      numberArray(samples.map(({ timestampMs }) => timestampMs)),
      samples.map(({ value }) => value),
      devices,
      properties,
    ],
  );
}

/** An array as PostgreSQL writes it; `pg` takes each number for something to be quoted. */
function numberArray(numbers: readonly number[]): string {
  return `{${numbers.join(",")}}`;
}

async function inTransaction<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let failure: Error | undefined;
  try {
    await client.query("BEGIN");
    const result = await work(client);
    await client.query("COMMIT");
    return result;
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error));
    throw failure;
  } finally {
    // A connection in an unknown state is not used again.
    client.release(failure);
  }
}

/** The URL is told without its password. */
function sinkUnreachable(url: string, cause: unknown): SkerryError {
  const server = URL.canParse(url) ? new URL(url).host : "PostgreSQL";
  return new SkerryError({
    code: "TELEMETRY_SINK_UNREACHABLE",
    message: `The database for samples at ${server} cannot be used: ${cause instanceof Error ? cause.message : String(cause)}`,
    advice: "Check skerry.telemetry.postgres in cloudcore.yaml and that the database exists; then restart CloudCore.",
    details: { server },
    cause,
  });
}
