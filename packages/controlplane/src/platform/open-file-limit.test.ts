import assert from "node:assert/strict";
import { test } from "node:test";
import { connectionsWithin, openFileLimit, parseOpenFileLimit } from "./open-file-limit.ts";

test("the limit of open files is read from the kernel's table", () => {
  const table = (soft: string): string =>
    `Limit                     Soft Limit           Hard Limit           Units
Max processes             95983                95983                processes
Max open files            ${soft.padEnd(20)} 1048576              files
`;
  assert.equal(parseOpenFileLimit(table("20000")), 20_000);
  assert.equal(parseOpenFileLimit(table("unlimited")), Number.POSITIVE_INFINITY);
  assert.equal(parseOpenFileLimit(""), Number.POSITIVE_INFINITY);
  assert.ok(openFileLimit() > 100);
});

test("connections leave room for the other files of the process", () => {
  assert.equal(connectionsWithin(Number.POSITIVE_INFINITY, 16_000), 16_000);
  assert.equal(connectionsWithin(17_000, 16_000), 16_000);
  assert.equal(connectionsWithin(4_096, 16_000), 3_096);
  assert.equal(connectionsWithin(1_024, 16_000), 512);
  assert.equal(connectionsWithin(1, 16_000), 1);
});
