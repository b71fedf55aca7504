import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { isSkerryError } from "@skerry/base";
import { convert } from "./convert.ts";

test("what is no manifest is told in words, with a code, whatever it is", async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "skerry-convert-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "device.yaml");
  const refused = (path: string, reason: RegExp): Promise<void> =>
    assert.rejects(
      convert.run([path]),
      (error) => isSkerryError(error, "SKERRY_MANIFEST_UNREADABLE") && reason.test(error.message),
    );
  await refused(file, /there is no such file$/);
  await refused(folder, /it is a folder$/);
  for (const [text, reason] of [
    ["a: [1\nb", /at line 2/],
    ["a word", /a text or a list/],
    ["- kind: Device", /a text or a list/],
    ["a: *b", /alias/],
    [`a: &a 1\nb: [${"*a, ".repeat(200)}]`, /alias/],
  ] as const) {
    writeFileSync(file, text);
    await refused(file, reason);
  }
});
