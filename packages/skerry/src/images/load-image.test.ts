import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { isSkerryError } from "@skerry/base";
import { checkArchive } from "./load-image.ts";
import { writeTar } from "./tar-writer.ts";

test("what is no image archive is refused with a code: nothing there, a folder, a text, an empty file", (context) => {
  const folder = mkdtempSync(join(tmpdir(), "skerry-archive-"));
  context.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "text"), "hello");
  writeFileSync(join(folder, "empty"), "");
  for (const name of ["missing.tar", ".", "text", "empty"])
    assert.throws(
      () => checkArchive(join(folder, name)),
      (error) => isSkerryError(error, "SKERRY_IMAGE_ARCHIVE_INVALID"),
      name,
    );
  writeFileSync(join(folder, "good.tar"), writeTar([{ kind: "folder", path: "a" }]));
  checkArchive(join(folder, "good.tar"));
});
