import type { Migration } from "@skerry/store";
import { deviceTwinMigrations, twinOwnersTable, twinReplacedTable, twinReportsTable } from "./devicetwin/index.ts";
import { dmiMigrations } from "./dmi/index.ts";
import { deviceTables, edgedTables, sealedTokenTable } from "./edged/index.ts";
import { metaManagerTables, outboxEventIndex, outboxStreamTable, tombstoneTypes } from "./metamanager/index.ts";
import { metaServerTables } from "./metaserver/migrations.ts";
import { ruleMigrations } from "./rules/index.ts";
import { taskMigrations } from "./taskmanager/migrations.ts";

/**
 * The history of the edge's one database: all modules' tables live in it, so that a module's state and its outbox entry
 * are one transaction. Once released, new steps are only ever added at the end, whichever module they belong to.
 */
export const edgeDatabaseMigrations: readonly Migration[] = [
  metaManagerTables,
  edgedTables,
  ...deviceTwinMigrations,
  ...dmiMigrations,
  outboxStreamTable,
  tombstoneTypes,
  ...ruleMigrations,
  twinReportsTable,
  ...taskMigrations,
  metaServerTables,
  twinOwnersTable,
  twinReplacedTable,
  deviceTables,
  sealedTokenTable,
  outboxEventIndex,
];
