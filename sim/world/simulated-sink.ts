import type { Clock } from "@skerry/base";
import { SqliteTelemetrySink, type TelemetrySink, telemetrySinkMigrations } from "@skerry/cloudcore";
import type { Database } from "@skerry/store";
import type { SinkSample, SinkStream } from "../checkers/samples-stored-once.ts";
import type { Mutant } from "../mutants/mutant.ts";
import { CrashPoints } from "./crash-points.ts";
import { MemorySqlEngine } from "./memory-sql-engine.ts";
import type { ProcessLife } from "./process-life.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { SimulatedDisk } from "./simulated-disk.ts";

const NAME = "samples.db";

/** The database server that holds the samples of all nodes; CloudCores come and go. */
export class SimulatedSink {
  readonly #disk: SimulatedDisk;

  #isAway = false;

  constructor(clock: Clock, random: SeededRandom) {
    this.#disk = new SimulatedDisk({
      engine: new MemorySqlEngine(),
      clock,
      random,
      crashPoints: new CrashPoints(clock),
    });
  }

  /** Whether it cannot be reached. */
  setAway(isAway: boolean): void {
    this.#isAway = isAway;
  }

  /** Each commit takes so much longer. */
  setSlow(extraMs: number): void {
    this.#disk.extraSyncMs = extraMs;
  }

  /** Keeps a copy of it as it is now. */
  backUp(): void {
    this.#disk.backUp(NAME);
  }

  /** Puts the copy in its place; false when there is none. */
  restore(): boolean {
    return this.#disk.restore(NAME);
  }

  heal(): void {
    this.setAway(false);
    this.setSlow(0);
  }

  /** As one CloudCore process sees it: what it had asked for may still happen when it dies, and nobody hears of it. */
  async connect(life: ProcessLife, crashPoints: CrashPoints, mutant: Mutant | undefined): Promise<TelemetrySink> {
    const database = await this.#disk.open(NAME, telemetrySinkMigrations);
    const reached = <T>(call: () => Promise<T>): Promise<T> =>
      this.#isAway ? Promise.reject(new Error("the sink cannot be reached")) : call();
    const mortal: Database = {
      read: (read) => {
        if (this.#isAway) throw new Error("the sink cannot be reached");
        return database.read(read);
      },
      transaction: (work) =>
        life.alive
          ? crashPoints.around("sink", () => life.whileAlive(reached(() => database.transaction(work))))
          : new Promise(() => {}),
      [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
    };
    const sink = new SqliteTelemetrySink(mutant?.mutateSinkDatabase?.(mortal, life.clock) ?? mortal);
    return mutant?.mutateSink?.(sink) ?? sink;
  }

  /** What the sink says of a node's streams, and what it has of them. */
  streamsOf(node: string): SinkStream[] {
    const rows = this.#disk.inspect(NAME, (reader) =>
      reader.all(
        `SELECT stream, cursor, missing, min(sequence) AS first, count(sequence) AS count
         FROM telemetry_stream LEFT JOIN telemetry_sample ON id = stream_id WHERE node = ? GROUP BY id ORDER BY id`,
        node,
      ),
    );
    return (rows ?? []).map((row) => ({
      stream: String(row["stream"]),
      cursor: Number(row["cursor"]),
      missing: Number(row["missing"]),
      first: row["first"] === null ? undefined : Number(row["first"]),
      count: Number(row["count"]),
    }));
  }

  /** Samples of a node in the order of its streams. */
  samplesOf(node: string): SinkSample[] {
    const rows = this.#disk.inspect(NAME, (reader) =>
      reader.all(
        `SELECT stream, sequence, device, value FROM telemetry_sample AS sample
         JOIN telemetry_stream AS stream ON stream.id = stream_id JOIN telemetry_series AS series ON series.id = series_id
         WHERE node = ? ORDER BY stream_id, sequence`,
        node,
      ),
    );
    return (rows ?? []).map((row) => ({
      stream: String(row["stream"]),
      sequence: Number(row["sequence"]),
      device: String(row["device"]).replace(/^.*\//, ""),
      value: String(row["value"]),
    }));
  }

  destroy(): void {
    this.#disk.destroy();
  }
}
