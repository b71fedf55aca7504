import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonValue } from "@skerry/base";
import { isApiError } from "../api-error.ts";
import { applyJsonPatch } from "./json-patch.ts";

test("a JSON patch does each operation of RFC 6902", () => {
  const cases: readonly [JsonValue, JsonValue, JsonValue][] = [
    [{ a: [1, 3] }, [{ op: "add", path: "/a/1", value: 2 }], { a: [1, 2, 3] }],
    [{ a: [1] }, [{ op: "add", path: "/a/-", value: 2 }], { a: [1, 2] }],
    [{ a: 1 }, [{ op: "add", path: "/a", value: 2 }], { a: 2 }],
    [{ a: [1, 2] }, [{ op: "remove", path: "/a/0" }], { a: [2] }],
    [{ a: [1, 2] }, [{ op: "replace", path: "/a/1", value: 9 }], { a: [1, 9] }],
    [{ a: 1, b: {} }, [{ op: "move", from: "/a", path: "/b/c" }], { b: { c: 1 } }],
    [{ a: [1, 2, 3] }, [{ op: "move", from: "/a/0", path: "/a/2" }], { a: [2, 3, 1] }],
    [{ a: { x: 1 } }, [{ op: "copy", from: "/a", path: "/b" }], { a: { x: 1 }, b: { x: 1 } }],
    [
      { "a/b": 1, "c~d": 2 },
      [
        { op: "remove", path: "/a~1b" },
        { op: "remove", path: "/c~0d" },
      ],
      {},
    ],
    [{ a: { b: [1] } }, [{ op: "test", path: "/a", value: { b: [1] } }], { a: { b: [1] } }],
    [{ a: 1 }, [{ op: "replace", path: "", value: { b: 2 } }], { b: 2 }],
  ];
  for (const [target, patch, expected] of cases) {
    const before = structuredClone(target);
    assert.deepEqual(applyJsonPatch(target, patch), expected);
    assert.deepEqual(target, before, "the target is left as it was");
  }
});

test("a JSON patch that does not fit the object is Invalid", () => {
  for (const operation of [
    { op: "remove", path: "/absent" },
    { op: "replace", path: "/absent", value: 1 },
    { op: "add", path: "/absent/x", value: 1 },
    { op: "add", path: "/list/3", value: 1 },
    { op: "remove", path: "/list/01" },
    { op: "test", path: "/a", value: 2 },
    { op: "move", from: "/a", path: "/a/b" },
    { op: "remove", path: "/constructor" },
  ])
    assert.throws(
      () => applyJsonPatch({ a: 1, list: [1] }, [operation]),
      (error) => isApiError(error, "Invalid"),
      JSON.stringify(operation),
    );
});

test("a malformed JSON patch is a BadRequest", () => {
  for (const patch of [
    {},
    [1],
    [{ op: "grow", path: "/a" }],
    [{ op: "add", path: "a", value: 1 }],
    [{ op: "add", path: "/a" }],
  ])
    assert.throws(
      () => applyJsonPatch({ a: 1 }, patch),
      (error) => isApiError(error, "BadRequest"),
      JSON.stringify(patch),
    );
});

test("a member called __proto__ stays data", () => {
  const result = applyJsonPatch({}, [{ op: "add", path: "/__proto__", value: { polluted: true } }]);
  assert.equal(JSON.stringify(result), '{"__proto__":{"polluted":true}}');
  assert.equal(({} as Record<string, unknown>)["polluted"], undefined);
});

test("a JSON patch that doubles the object again and again is refused", () => {
  const patch = Array.from({ length: 40 }, (_, index) => ({ op: "copy", from: "/a", path: `/a/${index}` }));
  assert.throws(
    () => applyJsonPatch({ a: { text: "x".repeat(100) } }, patch),
    (error) => isApiError(error, "RequestEntityTooLarge"),
  );
});
