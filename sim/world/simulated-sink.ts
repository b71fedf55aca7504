import type { Clock } from "@skerry/base";
import { SqliteTelemetrySink, type TelemetrySink, telemetrySinkMigrations } from "@skerry/cloudcore";
import type { Database } from "@skerry/store";
import type { SinkSample } from "../checkers/samples-stored-once.ts";
import { CrashPoints } from "./crash-points.ts";
import { MemorySqlEngine } from "./memory-sql-engine.ts";
import type { ProcessLife } from "./process-life.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { SimulatedDisk } from "./simulated-disk.ts";

const NAME = "samples.db";

/** The database server that holds the samples of all nodes; CloudCores come and go. */
export class SimulatedSink {
  readonly #disk: SimulatedDisk;

  constructor(clock: Clock, random: SeededRandom) {
    this.#disk = new SimulatedDisk({
      engine: new MemorySqlEngine(),
      clock,
      random,
      crashPoints: new CrashPoints(clock),
    });
  }

  /** As one CloudCore process sees it: what it had asked for may still happen when it dies, and nobody hears of it. */
  async connect(life: ProcessLife): Promise<TelemetrySink> {
    const database = await this.#disk.open(NAME, telemetrySinkMigrations);
    const mortal: Database = {
      read: (read) => database.read(read),
      transaction: (work) => (life.alive ? life.whileAlive(database.transaction(work)) : new Promise(() => {})),
      [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
    };
    return new SqliteTelemetrySink(mortal);
  }

  /** Samples of a node in the order of its streams. */
  samplesOf(node: string): SinkSample[] {
    const rows = this.#disk.inspect(NAME, (reader) =>
      reader.all(
        `SELECT stream, sequence, value FROM telemetry_sample JOIN telemetry_stream ON id = stream_id
         WHERE node = ? ORDER BY stream_id, sequence`,
        node,
      ),
    );
    return (rows ?? []).map((row) => ({
      stream: String(row["stream"]),
      sequence: Number(row["sequence"]),
      value: String(row["value"]),
    }));
  }

  destroy(): void {
    this.#disk.destroy();
  }
}
