import type { KubernetesObject } from "@skerry/api";
import type { QueueLengths } from "../checkers/queues-are-bounded.ts";
import type { SimulatedDisk } from "./simulated-disk.ts";

/** Names of EdgeCore's databases on its machine's disk. */
export const DATABASE = "edgecore.db";
export const SAMPLES = "samples.db";

/** What is committed on an edge machine's disk, for checkers. */
export class EdgeState {
  readonly #disk: SimulatedDisk;

  constructor(disk: SimulatedDisk) {
    this.#disk = disk;
  }

  /** What is committed on the disk, by wire key. */
  storedObjects(): Map<string, KubernetesObject> {
    const rows = this.#disk.inspect(DATABASE, (reader) =>
      reader.all("SELECT name FROM sqlite_master WHERE name = 'meta'").length === 0
        ? []
        : reader.all("SELECT key, value FROM meta ORDER BY key"),
    );
    return new Map(
      (rows ?? []).map((row) => [String(row["key"]), JSON.parse(String(row["value"])) as KubernetesObject]),
    );
  }

  /** The newest version that the node says it has seen. */
  newestVersion(): number {
    const deletions = this.#disk.inspect(DATABASE, (reader) => reader.all("SELECT resource_version FROM tombstone"));
    return Math.max(
      0,
      ...[...this.storedObjects().values()].map(({ metadata }) => Number(metadata.resourceVersion ?? 0)),
      ...(deletions ?? []).map((row) => Number(row["resource_version"]) || 0),
    );
  }

  /** What waits on the disk. */
  queueLengths(): QueueLengths | undefined {
    const ring = this.ring();
    return this.#disk.inspect(DATABASE, (reader) => {
      const count = (sql: string): number => Number(reader.first(sql)?.["count"] ?? 0);
      return {
        answered: count("SELECT COUNT(*) AS count FROM outbox WHERE answered = 1"),
        unanswered: count("SELECT COUNT(*) AS count FROM outbox WHERE answered = 0"),
        tombstones: count("SELECT COUNT(*) AS count FROM tombstone"),
        ringBytes: ring.bytes,
        ringBlocks: ring.blocks,
      };
    });
  }

  /** What the ring of samples has, and what it says it has dropped. */
  ring(): { readonly bytes: number; readonly blocks: number; readonly dropped: number } {
    const row = this.#disk.inspect(SAMPLES, (reader) =>
      reader.first(
        `SELECT coalesce(sum(size_bytes), 0) AS bytes, count(*) AS blocks,
         (SELECT dropped FROM telemetry_ring) AS dropped FROM telemetry_block`,
      ),
    );
    return {
      bytes: Number(row?.["bytes"] ?? 0),
      blocks: Number(row?.["blocks"] ?? 0),
      dropped: Number(row?.["dropped"] ?? 0),
    };
  }

  /** The version of the schema that the database says it has. */
  schemaVersion(): number {
    const row = this.#disk.inspect(DATABASE, (reader) => reader.first("PRAGMA user_version"));
    return Number(row?.["user_version"] ?? 0);
  }
}
