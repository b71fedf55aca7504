import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { textDigest } from "./text-digest.ts";

test("a digest has 64 bits and is another one when any character changes", () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 200 }), fc.nat(), (text, pick) => {
      const digest = textDigest(text);
      assert.match(digest, /^[0-9a-f]{16}$/);
      assert.equal(textDigest(text), digest);
      const at = pick % text.length;
      const other = String.fromCharCode(text.charCodeAt(at) ^ 1);
      assert.notEqual(textDigest(text.slice(0, at) + other + text.slice(at + 1)), digest);
      assert.notEqual(textDigest(`${text}a`), digest);
    }),
  );
});
