import { openSettled, type Row, type SqlValue } from "@skerry/store";
import type { PreparedStatement, Database as WasmDatabase, SqlValue as WasmValue } from "@sqlite.org/sqlite-wasm";
import type { SeededRandom } from "../world/seeded-random.ts";
import type { SqlEngine, SqlFile } from "../world/sql-engine.ts";
import { UnsyncedDisk } from "./unsynced-disk.ts";
import { VFS_NAME, type WasmSqlite } from "./wasm-sqlite.ts";

/**
 * SQLite on a simulated disk, with the settings of production: a write-ahead log, synced at each commit. Only the locking
 * mode is another, as there is no memory to share; each file has one handle at a time in production too.
 */
export class WasmSqlEngine implements SqlEngine {
  readonly disk: UnsyncedDisk;
  readonly #sqlite: WasmSqlite;
  readonly #name: string;
  readonly #open = new Map<string, WasmFile>();
  readonly #copies = new Map<string, Uint8Array>();

  /** `name` is this machine's among those of the process. */
  constructor(sqlite: WasmSqlite, name: string, random: SeededRandom) {
    this.#sqlite = sqlite;
    this.#name = name;
    this.disk = new UnsyncedDisk(random);
    sqlite.mount(name, this.disk);
  }

  open(name: string): SqlFile {
    const known = this.#open.get(name);
    if (known) return known;
    this.disk.beginProcess();
    const created = new WasmFile(this.#sqlite, this.#path(name));
    this.#open.set(name, created);
    return created;
  }

  syncLog(name: string): void {
    this.disk.sync(this.disk.open(`${this.#path(name)}-wal`));
  }

  abandon(): void {
    // What SQLite would tidy up when it closes a file does not happen.
    this.disk.dieAfter(0);
    for (const file of this.#open.values()) file.close();
    this.#open.clear();
    this.disk.beginProcess();
  }

  losePower(): void {
    this.abandon();
    this.disk.losePower();
  }

  backUp(name: string): void {
    if (this.disk.isFull) return;
    this.open(name).exec("PRAGMA wal_checkpoint(TRUNCATE)");
    this.#copies.set(name, this.disk.open(this.#path(name)).content());
  }

  restore(name: string): boolean {
    const copy = this.#copies.get(name);
    if (!copy) return false;
    this.abandon();
    const path = this.#path(name);
    this.disk.remove(`${path}-wal`, true);
    const file = this.disk.open(path);
    file.truncate(0);
    file.write(copy, 0);
    file.sync();
    return true;
  }

  destroy(): void {
    this.abandon();
    this.#sqlite.unmount(this.#name);
  }

  #path(name: string): string {
    return `/${this.#name}/${name}`;
  }
}

class WasmFile implements SqlFile {
  readonly #sqlite: WasmSqlite;
  readonly #database: WasmDatabase;
  readonly #statements = new Map<string, PreparedStatement>();

  constructor(sqlite: WasmSqlite, path: string) {
    this.#sqlite = sqlite;
    this.#database = new sqlite.sqlite3.oo1.DB({ filename: path, flags: "c", vfs: VFS_NAME });
    this.exec("PRAGMA locking_mode = EXCLUSIVE");
    openSettled(this);
    const finding = String(Object.values(this.first("PRAGMA quick_check(1)") ?? {})[0]);
    if (finding !== "ok") throw new Error(`the database ${path} is damaged: ${finding}`);
  }

  get isTransaction(): boolean {
    return this.#sqlite.sqlite3.capi.sqlite3_get_autocommit(this.#database) === 0;
  }

  exec(sql: string): void {
    run(() => this.#database.exec(sql));
  }

  all(...[sql, ...parameters]: Parameters<SqlFile["all"]>): Row[] {
    return this.#with(sql, parameters, (statement) => {
      const rows: Row[] = [];
      while (statement.step()) rows.push(statement.get({}) as Row);
      return rows;
    });
  }

  first(...[sql, ...parameters]: Parameters<SqlFile["first"]>): Row | undefined {
    return this.#with(sql, parameters, (statement) => {
      if (!statement.step()) return undefined;
      const row = statement.get({}) as Row;
      // A statement that writes and answers does all of it before it is reset.
      while (statement.step());
      return row;
    });
  }

  run(...[sql, ...parameters]: Parameters<SqlFile["run"]>): number {
    return this.#with(sql, parameters, (statement) => {
      while (statement.step());
      return this.#sqlite.sqlite3.capi.sqlite3_changes(this.#database);
    });
  }

  close(): void {
    for (const statement of this.#statements.values()) statement.finalize();
    this.#statements.clear();
    this.#database.close();
  }

  #with<T>(sql: string, parameters: readonly SqlValue[], use: (statement: PreparedStatement) => T): T {
    return run(() => {
      let statement = this.#statements.get(sql);
      if (!statement) {
        statement = this.#database.prepare(sql);
        this.#statements.set(sql, statement);
      }
      try {
        if (parameters.length > 0) statement.bind(parameters as WasmValue[]);
        return use(statement);
      } finally {
        statement.reset(true);
      }
    });
  }
}

/** Errors as `node:sqlite` throws them, with SQLite's result code. */
function run<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (error instanceof Error && "resultCode" in error) throw Object.assign(error, { errcode: error.resultCode });
    throw error;
  }
}
