import type { Migration } from "@skerry/store";

/** Tables of the ring of samples; it has a database file of its own. */
export const telemetryMigrations: readonly Migration[] = [
  `CREATE TABLE telemetry_stream (
     id INTEGER PRIMARY KEY CHECK (id = 1),
     stream TEXT NOT NULL,
     -- the stream begins after this sequence
     base INTEGER NOT NULL,
     -- the cloud has all samples up to this one
     acknowledged INTEGER NOT NULL,
     -- samples that left the ring before the cloud had them
     dropped INTEGER NOT NULL,
     -- what all blocks count for
     bytes INTEGER NOT NULL
   );
   -- one row a commit: samples that came together are written together
   CREATE TABLE telemetry_block (
     first INTEGER PRIMARY KEY,
     count INTEGER NOT NULL,
     from_ms INTEGER NOT NULL,
     to_ms INTEGER NOT NULL,
     size_bytes INTEGER NOT NULL,
     payload TEXT NOT NULL
   )`,
];
