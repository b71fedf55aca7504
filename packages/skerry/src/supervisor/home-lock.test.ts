import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { isSkerryError } from "@skerry/base";
import { prepareHome, type SkerryHome, skerryHome } from "../skerry-home.ts";
import { liveHolder, noteChildren, releaseLock, takeLock } from "./home-lock.ts";

function scratchHome(context: TestContext): SkerryHome {
  const folder = mkdtempSync(join(tmpdir(), "skerry-home-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const home = skerryHome({ SKERRY_HOME: folder });
  prepareHome(home);
  return home;
}

test("a second start in the same home folder is refused while the first runs", (context) => {
  const home = scratchHome(context);
  assert.equal(takeLock(home), undefined);
  assert.throws(
    () => takeLock(home),
    (error) => isSkerryError(error, "SKERRY_ALREADY_RUNNING"),
  );
  releaseLock(home);
  assert.equal(takeLock(home), undefined);
});

test("the lock of a crashed process is taken over with the list of what it left", (context) => {
  const home = scratchHome(context);
  const children = [{ name: "edgecore", processId: 4_194_304, startTicks: "7" }];
  writeFileSync(home.lockFile, JSON.stringify({ processId: process.pid, startTicks: "0", children }));
  assert.equal(liveHolder(home), undefined, "the same process id with another start time is another process");
  assert.deepEqual(takeLock(home)?.children, children);
  assert.equal(liveHolder(home)?.processId, process.pid);
});

test("a lock file that a power cut left empty is taken over", (context) => {
  const home = scratchHome(context);
  writeFileSync(home.lockFile, "");
  assert.deepEqual(takeLock(home)?.children, []);
});

test("the children of the holder are noted with their start times", (context) => {
  const home = scratchHome(context);
  takeLock(home);
  noteChildren(home, new Map([["self", process.pid]]));
  const holder = liveHolder(home);
  assert.equal(holder?.children[0]?.startTicks, holder?.startTicks);
});
