import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { ROUTES } from "./routes.ts";

const root = new URL("../../../", import.meta.url);
const page = readFileSync(new URL("docs/kubeedge-compatibility.md", root), "utf8");

const VERDICTS: ReadonlySet<string> = new Set(["works", "works better", "not yet", "not applicable"]);
/** KubeEdge's messages: wire.md 10 and 11. */
const LAST_DOWN = 31;
const LAST_UP = 35;

/** The cells of all rows of all tables, their heads left out. */
const rows = page
  .split("\n")
  .filter((line) => line.startsWith("| ") && !/^\| (Route|What) \|/.test(line))
  .map((line) =>
    line
      .slice(1, -1)
      .split("|")
      .map((cell) => cell.trim()),
  );
const routeRows = new Map(
  rows.filter(([id = ""]) => /^[DU][0-9]+$/.test(id)).map(([id = "", ...cells]) => [id, cells] as const),
);

test("the page has a row for each message of KubeEdge and for each route, no more and none twice", () => {
  const numbers = (letter: string, last: number): string[] =>
    Array.from({ length: last }, (_, index) => `${letter}${index + 1}`);
  const expected = [...numbers("D", LAST_DOWN), ...numbers("U", LAST_UP)];
  assert.deepEqual([...routeRows.keys()], expected);
  assert.equal(rows.filter(([id = ""]) => /^[DU][0-9]+$/.test(id)).length, expected.length);
  // What only Skerry's own delivery has is not on the page.
  for (const { id } of ROUTES) if (!id.startsWith("S")) assert.ok(routeRows.has(id), `route ${id} has no row`);
});

test("each row has a verdict, and each that works names a test that is there", () => {
  for (const cells of rows) {
    const [verdict = "", , tests = ""] = routeRows.has(cells[0] ?? "") ? cells.slice(2) : cells.slice(1);
    const title = cells.slice(0, 2).join(" ");
    assert.ok(VERDICTS.has(verdict), `${title}: "${verdict}"`);
    const files = [...tests.matchAll(/`([^`]+)`/g)].map(([, file = ""]) => file);
    if (verdict.startsWith("works")) assert.ok(files.length > 0, `${title}: no test`);
    for (const file of files) {
      assert.match(file, /\.test\.ts$/, title);
      assert.ok(existsSync(new URL(file, root)), `${title}: ${file} is not there`);
    }
  }
});
