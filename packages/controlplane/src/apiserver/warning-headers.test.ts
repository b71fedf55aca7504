import assert from "node:assert/strict";
import { validateHeaderValue } from "node:http";
import { test } from "node:test";
import { warningHeaders } from "./warning-headers.ts";

test("warnings are quoted, each once, and none make no header", () => {
  assert.deepEqual(warningHeaders([]), {});
  assert.deepEqual(warningHeaders(['unknown field "a"', 'unknown field "a"', "b\\c"]), {
    warning: '299 - "unknown field \\"a\\"", 299 - "b\\\\c"',
  });
});

test("a warning with characters that a header cannot hold goes as UTF-8, without control characters", () => {
  const { warning = "" } = warningHeaders(["snow ☃ and\r\nlines\u007f\ud800"]);
  validateHeaderValue("warning", warning);
  assert.match(Buffer.from(warning, "latin1").toString("utf8"), /^299 - "snow ☃ and {2}lines .*"$/);
});

test("more warnings than a header should carry are cut short, and the rest of them left out", () => {
  const { warning = "" } = warningHeaders(Array.from({ length: 100_000 }, (_, index) => `${index}${"x".repeat(1000)}`));
  assert.ok(warning.length > 4_000 && warning.length < 5_000, String(warning.length));
});
