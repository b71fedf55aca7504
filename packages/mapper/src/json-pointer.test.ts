import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { atPointer, wrapAtPointer } from "./json-pointer.ts";

test("a pointer names a member or an item, or nothing", () => {
  const value = { a: [{ b: 1 }], "c/d": 2, "": 3 };
  assert.equal(atPointer(value, "/a/0/b"), 1);
  assert.equal(atPointer(value, "/c~1d"), 2);
  assert.deepEqual(atPointer(value, ""), value);
  assert.equal(atPointer(value, "a/0/b"), 1, "the first slash may be left out");
  for (const nothing of ["/a/1", "/x", "/a/0/b/c", "/toString"]) assert.equal(atPointer(value, nothing), undefined);
});

test("what is wrapped is found at its pointer", () => {
  const member = fc.string({ minLength: 1 }).filter((name) => name !== "__proto__");
  fc.assert(
    fc.property(fc.array(member, { maxLength: 4 }), fc.integer(), (members, value) => {
      const pointer = members.map((name) => `/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
      assert.equal(atPointer(wrapAtPointer(pointer, value), pointer), value);
    }),
  );
});
