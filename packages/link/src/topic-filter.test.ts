import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isTopicFilter, isTopicName, matchesTopic } from "./topic-filter.ts";

test("topics match filters by level", () => {
  assert.ok(matchesTopic("plant/+/level", "plant/a/level"));
  assert.ok(!matchesTopic("plant/+/level", "plant/a/b/level"));
  assert.ok(!matchesTopic("plant/+/level", "plant/a/level/x"));
  assert.ok(matchesTopic("plant/#", "plant/a/b"));
  assert.ok(matchesTopic("plant/#", "plant"));
  assert.ok(!matchesTopic("+/user/#", "$hw/user/x"));
  assert.ok(!matchesTopic("#", "$hw/x"));
});

test("wildcards stand for whole levels, # for the last ones, and topics have none", () => {
  for (const good of ["a", "a/b", "+/b", "a/#", "#", "/", "+/+"]) assert.ok(isTopicFilter(good), good);
  for (const bad of ["", "a/b#", "#/a", "a+/b", "a\0b", "x".repeat(65_536)]) assert.ok(!isTopicFilter(bad), bad);
  assert.ok(isTopicName("a/b"));
  for (const bad of ["", "a/+", "#", "a\0"]) assert.ok(!isTopicName(bad), bad);
});

test("a topic is one of the filter that is made from it by wildcards", () => {
  const level = fc.constantFrom("a", "b", "", "c d");
  fc.assert(
    fc.property(fc.array(fc.tuple(level, fc.boolean()), { minLength: 1, maxLength: 6 }), fc.nat(6), (levels, cut) => {
      const topic = levels.map(([text]) => text).join("/");
      const filter = levels.map(([text, isWild]) => (isWild ? "+" : text));
      assert.ok(matchesTopic(filter.join("/"), topic));
      assert.ok(matchesTopic([...filter.slice(0, cut), "#"].join("/"), topic));
    }),
  );
});
