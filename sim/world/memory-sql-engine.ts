import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { Row } from "@skerry/store";
import type { SqlEngine, SqlFile } from "./sql-engine.ts";

/** The platform's SQLite in memory: what is committed stays, whatever happens. */
export class MemorySqlEngine implements SqlEngine {
  readonly #files = new Map<string, MemoryFile>();
  readonly #backups = new Set<string>();

  open(name: string): SqlFile {
    const existing = this.#files.get(name);
    if (existing) return existing;
    const created = new MemoryFile();
    this.#files.set(name, created);
    return created;
  }

  syncLog(): void {}

  abandon(): void {}

  losePower(): void {}

  backUp(name: string): void {
    const file = this.#files.get(name);
    if (!file) return;
    if (this.#backups.has(name)) file.exec("DETACH backup");
    this.#backups.add(name);
    file.exec("ATTACH ':memory:' AS backup");
    for (const { table, sql } of tablesOf(file)) {
      if (table === "sqlite_sequence") file.exec("DELETE FROM backup.sqlite_sequence");
      else file.exec(sql.replace(/^CREATE TABLE /, "CREATE TABLE backup."));
      file.exec(`INSERT INTO backup.${table} SELECT * FROM main.${table}`);
    }
  }

  restore(name: string): boolean {
    const file = this.#files.get(name);
    if (!file || !this.#backups.has(name)) return false;
    file.exec("PRAGMA defer_foreign_keys = ON; BEGIN");
    for (const { table } of tablesOf(file))
      file.exec(`DELETE FROM main.${table}; INSERT INTO main.${table} SELECT * FROM backup.${table}`);
    file.exec("COMMIT");
    return true;
  }

  destroy(): void {
    for (const file of this.#files.values()) file.close();
    this.#files.clear();
  }
}

/** In the order of their creation; SQLite's own counter of identities comes last, to undo what the others' copying did. */
function tablesOf(file: SqlFile): { table: string; sql: string }[] {
  return file
    .all("SELECT name, sql FROM sqlite_master WHERE type = 'table' ORDER BY name = 'sqlite_sequence', rowid")
    .map((row) => ({ table: String(row["name"]), sql: String(row["sql"]) }));
}

class MemoryFile implements SqlFile {
  readonly #database = new DatabaseSync(":memory:");
  readonly #statements = new Map<string, StatementSync>();

  get isTransaction(): boolean {
    return this.#database.isTransaction;
  }

  exec(sql: string): void {
    this.#database.exec(sql);
  }

  all(...[sql, ...parameters]: Parameters<SqlFile["all"]>): Row[] {
    return this.#statement(sql).all(...parameters) as Row[];
  }

  first(...[sql, ...parameters]: Parameters<SqlFile["first"]>): Row | undefined {
    return this.#statement(sql).get(...parameters) as Row | undefined;
  }

  run(...[sql, ...parameters]: Parameters<SqlFile["run"]>): number {
    return Number(this.#statement(sql).run(...parameters).changes);
  }

  close(): void {
    this.#database.close();
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}
