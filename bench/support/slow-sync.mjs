// Loaded with NODE_OPTIONS=--import: lets each sync take SLOW_SYNC_MS longer, as a disk that is so slow. The process waits as
// it waits for the disk: a commit of SQLite's blocks it, unless its log is synced in another thread; that, and PostgreSQL's
// commit, are waited for.
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { DatabaseSync } from "node:sqlite";

const delayMs = Number(process.env.SLOW_SYNC_MS ?? 0);
/** Of PRAGMA synchronous: from here on each commit syncs. */
const FULL = 2;
const syncsCommits = new WeakMap();

function waitsForSync(database) {
  if (!syncsCommits.has(database))
    syncsCommits.set(database, database.prepare("PRAGMA synchronous").get().synchronous >= FULL);
  return syncsCommits.get(database);
}

const exec = DatabaseSync.prototype.exec;
DatabaseSync.prototype.exec = function (sql) {
  const result = exec.call(this, sql);
  if (sql === "COMMIT" && waitsForSync(this)) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, delayMs);
  return result;
};
const { fdatasync } = fs;
fs.fdatasync = (descriptor, done) => fdatasync(descriptor, (error) => setTimeout(() => done(error), delayMs));
syncBuiltinESMExports();
if (delayMs > 0 && process.argv.includes("cloudcore")) {
  const { default: pg } = await import("pg");
  const query = pg.Client.prototype.query;
  pg.Client.prototype.query = function (...parameters) {
    if (parameters[0] !== "COMMIT") return query.apply(this, parameters);
    return new Promise((resolve) => setTimeout(resolve, delayMs)).then(() => query.apply(this, parameters));
  };
}
