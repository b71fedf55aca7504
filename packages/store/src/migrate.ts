import type { Migration, Row } from "./database.ts";
import { databaseTooNew } from "./errors.ts";

/** A connection whose schema may be older, or newer, than what this version knows. */
interface SchemaConnection {
  exec(sql: string): void;
  first(sql: string): Row | undefined;
}

/**
 * Brings a database to the newest schema, each step in a transaction of its own.
 * @throws `STORE_DATABASE_TOO_NEW` when a newer version has written it
 */
export function migrate(connection: SchemaConnection, path: string, migrations: readonly Migration[]): void {
  const version = Number(connection.first("PRAGMA user_version")?.["user_version"] ?? 0);
  if (version > migrations.length) throw databaseTooNew(path, version, migrations.length);
  for (let step = version; step < migrations.length; step++)
    connection.exec(`BEGIN IMMEDIATE; ${migrations[step]}; PRAGMA user_version = ${step + 1}; COMMIT`);
}
