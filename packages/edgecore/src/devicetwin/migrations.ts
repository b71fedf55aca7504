import type { Migration } from "@skerry/store";

/**
 * DeviceTwin's tables in the edge's database; appended to the migrations of the others. Their names are not KubeEdge's
 * (`device`, `device_twin`): a node's existing database may hold those, with other columns.
 */
export const deviceTwinMigrations: readonly Migration[] = [
  `CREATE TABLE twin_device (
     id TEXT PRIMARY KEY,
     name TEXT NOT NULL,
     description TEXT NOT NULL,
     -- UID of the Device; '' while only the membership is known
     uid TEXT NOT NULL,
     state TEXT NOT NULL,
     last_online TEXT NOT NULL
   ) WITHOUT ROWID;
   CREATE TABLE twin_property (
     device_id TEXT NOT NULL,
     name TEXT NOT NULL,
     type TEXT NOT NULL,
     optional INTEGER NOT NULL,
     expected TEXT, expected_ms INTEGER,
     actual TEXT, actual_ms INTEGER,
     expected_cloud INTEGER, expected_edge INTEGER,
     actual_cloud INTEGER, actual_edge INTEGER,
     adopted_desired TEXT,
     PRIMARY KEY (device_id, name)
   ) WITHOUT ROWID`,
];

/** Appended later: what of a twin the cloud does not know yet. Nothing that was stored before is reported for it. */
export const twinReportsTable: Migration = "ALTER TABLE twin_property ADD COLUMN unreported INTEGER NOT NULL DEFAULT 0";

/** Appended later: who set the expected value, and how far it has come where it may take effect at most once. */
export const twinOwnersTable: Migration = `ALTER TABLE twin_property ADD COLUMN expected_owner TEXT;
  UPDATE twin_property SET expected_owner = CASE WHEN expected IS adopted_desired THEN 'cloud' ELSE 'edge' END
    WHERE expected IS NOT NULL;
  ALTER TABLE twin_property ADD COLUMN effect TEXT`;

/** Appended later: what a client at the edge wanted when the Device's desired value took its place. */
export const twinReplacedTable: Migration = "ALTER TABLE twin_property ADD COLUMN replaced TEXT";

/** All of them, in their order; the edge's database has steps of other modules in between. */
export const allTwinMigrations: readonly Migration[] = [
  ...deviceTwinMigrations,
  twinReportsTable,
  twinOwnersTable,
  twinReplacedTable,
];
