import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const root = new URL("../../", import.meta.url);
const page = readFileSync(new URL("docs/reliability.md", root), "utf8");
const promises = page.slice(page.indexOf("## What is promised"), page.indexOf("## What is not promised"));
/** Cells of the rows of the table of promises, its head left out. */
const rows = promises
  .split("\n")
  .filter((line) => line.startsWith("| "))
  .slice(1)
  .map((line) => line.slice(1, -1).split(" | "));

test("each promise names tests, and each of them is there", () => {
  assert.ok(rows.length > 10);
  for (const [, promise = "", tests = ""] of rows) {
    const named = [...tests.matchAll(/`([^`]+\.test\.ts)` "([^"]+)"/g)];
    assert.ok(named.length > 0, `no test: ${promise}`);
    assert.equal(named.length, tests.split(";").filter((part) => part.includes(".test.ts")).length, promise);
    for (const [, file = "", title = ""] of named)
      assert.ok(readFileSync(new URL(file, root), "utf8").includes(title), `${file} has no test "${title}"`);
  }
});
