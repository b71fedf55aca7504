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
  `CREATE TABLE telemetry_ring (
     id INTEGER PRIMARY KEY CHECK (id = 1),
     -- the cloud has all samples up to this one
     acknowledged INTEGER NOT NULL,
     -- samples that left the ring before the cloud had them
     dropped INTEGER NOT NULL,
     -- what all blocks count for
     bytes INTEGER NOT NULL
   );
   INSERT INTO telemetry_ring SELECT id, acknowledged, dropped, bytes FROM telemetry_stream;
   -- each EdgeCore process names what it records, so that a restored copy does not give names out again
   CREATE TABLE telemetry_segment (
     -- its samples come after this sequence, up to the next segment's
     base INTEGER PRIMARY KEY,
     stream TEXT NOT NULL
   );
   INSERT INTO telemetry_segment SELECT base, stream FROM telemetry_stream;
   DROP TABLE telemetry_stream`,
];
