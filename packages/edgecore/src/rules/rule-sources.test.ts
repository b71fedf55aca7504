import assert from "node:assert/strict";
import { test } from "node:test";
import { isSkerryError } from "@skerry/base";
import { SqliteDatabase } from "@skerry/store/platform";
import { ruleMigrations } from "./migrations.ts";
import { RuleSources } from "./rule-sources.ts";

const open = (): SqliteDatabase => new SqliteDatabase({ path: ":memory:", migrations: ruleMigrations });

test("what rules take from the node is there after a restart, each kind by itself", async () => {
  await using database = open();
  const topics = new RuleSources(database, "topic");
  const urls = new RuleSources(database, "url");
  await Promise.all([topics.add("b"), topics.add("a"), topics.add("a"), urls.add("http://x")]);
  await topics.remove("b");
  assert.deepEqual([topics.values, urls.values], [["a"], ["http://x"]]);
  const later = new RuleSources(database, "topic");
  later.load();
  assert.deepEqual(later.values, ["a"]);
  await later.replace(["d", "c"]);
  assert.deepEqual(later.values, ["c", "d"]);
});

test("more than the limit is refused, and what there was stays", async () => {
  await using database = open();
  const topics = new RuleSources(database, "topic");
  await topics.add("first");
  const many = Array.from({ length: 1_001 }, (_, index) => `topic-${index}`);
  await assert.rejects(topics.replace(many), (error) => isSkerryError(error, "RULES_TOO_MANY_SOURCES"));
  assert.deepEqual(topics.values, ["first"]);
  await topics.add("second");
  assert.deepEqual(topics.values, ["first", "second"]);
});
