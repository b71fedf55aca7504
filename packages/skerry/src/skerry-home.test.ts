import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { isSkerryError } from "@skerry/base";
import { checkFreeSpace, prepareHome, skerryHome } from "./skerry-home.ts";

test("a home folder is made with the folders above it, also with spaces in its path", (context) => {
  const scratch = mkdtempSync(join(tmpdir(), "skerry-home-"));
  context.after(() => rmSync(scratch, { recursive: true }));
  const home = skerryHome({ SKERRY_HOME: "a folder/with spaces" }, scratch);
  prepareHome(home);
  prepareHome(home);
  assert.ok(existsSync(join(scratch, "a folder/with spaces/logs")));
});

test("a home folder that cannot be made is a coded error, and does not hang", (context) => {
  const scratch = mkdtempSync(join(tmpdir(), "skerry-home-"));
  context.after(() => rmSync(scratch, { recursive: true }));
  writeFileSync(join(scratch, "file"), "");
  for (const folder of ["/proc/skerry", join(scratch, "file/home")])
    assert.throws(
      () => prepareHome(skerryHome({ SKERRY_HOME: folder })),
      (error) => isSkerryError(error, "SKERRY_HOME_UNUSABLE"),
      folder,
    );
});

test("a start without enough space is a coded error that tells how much is needed", () => {
  checkFreeSpace(tmpdir(), 1);
  assert.throws(
    () => checkFreeSpace(tmpdir(), 2 ** 60),
    (error) => isSkerryError(error, "SKERRY_DISK_FULL") && /1099511627776.0 MiB/.test(error.message),
  );
});
