import assert from "node:assert/strict";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { RotatingLog } from "./rotating-log.ts";

test("a log that is full starts anew and keeps only as many older files as it may", (context) => {
  const folder = mkdtempSync(join(tmpdir(), "skerry-log-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "x.log");
  using log = new RotatingLog(path, { limitBytes: 10, files: 3 });
  for (const line of ["aaaaaaa\n", "bbbbbbb\n", "ccccccc\n", "ddddddd\n"]) log.write(Buffer.from(line));
  assert.equal(readFileSync(path, "utf8"), "ddddddd\n");
  assert.equal(readFileSync(`${path}.1`, "utf8"), "ccccccc\n");
  assert.equal(readFileSync(`${path}.2`, "utf8"), "bbbbbbb\n");
  assert.equal(existsSync(`${path}.3`), false);
  assert.equal(log.lostWrites, 0);
});

test("a log goes on after what an earlier process wrote", (context) => {
  const folder = mkdtempSync(join(tmpdir(), "skerry-log-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "x.log");
  for (const line of ["one\n", "two\n"]) {
    using log = new RotatingLog(path);
    log.write(Buffer.from(line));
  }
  assert.equal(readFileSync(path, "utf8"), "one\ntwo\n");
});

test("a log that cannot start anew counts what it loses and touches no other file", (context) => {
  const folder = mkdtempSync(join(tmpdir(), "skerry-log-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const log = new RotatingLog(join(folder, "logs", "x.log"), { limitBytes: 10 });
  log.write(Buffer.from("aaaaaaa\n"));
  rmSync(join(folder, "logs"), { recursive: true });
  log.write(Buffer.from("bbbbbbb\n"));
  const other = openSync(join(folder, "other"), "w");
  log.write(Buffer.from("ccccccc\n"));
  assert.equal(log.lostWrites, 2);
  writeSync(other, "untouched");
  log[Symbol.dispose]();
  closeSync(other);
  assert.equal(readFileSync(join(folder, "other"), "utf8"), "untouched");
});
