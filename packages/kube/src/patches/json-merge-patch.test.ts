import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject, JsonValue } from "@skerry/base";
import fc from "fast-check";
import { applyMergePatch, createMergePatch, jsonEqual } from "./json-merge-patch.ts";

test("a merge patch gives the results of RFC 7386's table", () => {
  const cases: readonly [JsonValue, JsonValue, JsonValue][] = [
    [{ a: "b" }, { a: "c" }, { a: "c" }],
    [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
    [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
    [{ a: ["b"] }, { a: "c" }, { a: "c" }],
    [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
    [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
    [
      ["a", "b"],
      ["c", "d"],
      ["c", "d"],
    ],
    [{ a: "foo" }, null, null],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: "b", c: null }, { a: "b" }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ];
  for (const [target, patch, expected] of cases) assert.deepEqual(applyMergePatch(target, patch), expected);
});

test("a created merge patch turns one object into the other", () => {
  const leaf = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.array(fc.integer(), { maxLength: 3 }));
  const tree: fc.Arbitrary<JsonObject> = fc.letrec<{ node: JsonObject }>((tie) => ({
    node: fc.dictionary(
      fc.constantFrom("a", "b", "c", "__proto__"),
      fc.oneof({ depthSize: "small" }, leaf, tie("node")),
      { maxKeys: 3 },
    ) as fc.Arbitrary<JsonObject>,
  })).node;
  fc.assert(
    fc.property(tree, tree, (from, to) => {
      const patch = createMergePatch(from, to);
      assert.ok(jsonEqual(applyMergePatch(from, patch), to));
      if (jsonEqual(from, to)) assert.deepEqual(patch, {});
    }),
  );
});
