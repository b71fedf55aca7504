// Loaded with NODE_OPTIONS=--import: lets each commit take SLOW_SYNC_MS longer, as a disk whose sync is that slow. The
// process waits as it waits for the disk: SQLite's commit blocks it, PostgreSQL's is waited for.
import { DatabaseSync } from "node:sqlite";

const delayMs = Number(process.env.SLOW_SYNC_MS ?? 0);
const exec = DatabaseSync.prototype.exec;
DatabaseSync.prototype.exec = function (sql) {
  const result = exec.call(this, sql);
  if (sql === "COMMIT") Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, delayMs);
  return result;
};
if (delayMs > 0 && process.argv.includes("cloudcore")) {
  const { default: pg } = await import("pg");
  const query = pg.Client.prototype.query;
  pg.Client.prototype.query = function (...parameters) {
    if (parameters[0] !== "COMMIT") return query.apply(this, parameters);
    return new Promise((resolve) => setTimeout(resolve, delayMs)).then(() => query.apply(this, parameters));
  };
}
