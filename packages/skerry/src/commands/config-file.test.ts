import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { isSkerryError } from "@skerry/base";
import { readConfigFile } from "./config-file.ts";

function file(context: TestContext, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), "skerry-config-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "edgecore.yaml");
  writeFileSync(path, text);
  return path;
}

const expected = { kind: "EdgeCore", modules: { edgeHub: { token: "#1" } } };

test("YAML, YAML in braces and JSON below comments are read alike", async (context) => {
  const texts = [
    'kind: EdgeCore\nmodules:\n  edgeHub: {token: "#1"}\n',
    '# Mine.\n{kind: EdgeCore, modules: {edgeHub: {token: "#1"}}}\n',
    `# Written by a program.\n# Twice.\n${JSON.stringify(expected, null, 2)}\n`,
  ];
  for (const text of texts) assert.deepEqual(await readConfigFile(file(context, text)), expected);
});

test("a mistake is told with its line, also in a file that begins like JSON", async (context) => {
  for (const text of ["kind: EdgeCore\n  modules: 1\n", '{\n  "kind": "EdgeCore",\n  "modules" 1 }\n'])
    await assert.rejects(
      readConfigFile(file(context, text)),
      (error) => isSkerryError(error, "SKERRY_CONFIG_UNREADABLE") && /line \d/.test(error.message),
    );
});

test("an alias that leads nowhere, or too many of them, are told with a code", async (context) => {
  for (const text of ["a: *b\n", `a: &a 1\nb: [${"*a, ".repeat(200)}]\n`])
    await assert.rejects(
      readConfigFile(file(context, text)),
      (error) => isSkerryError(error, "SKERRY_CONFIG_UNREADABLE") && /alias/.test(error.message),
    );
});
