import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { fnv1a, hexOf, textDigest, textHash } from "./text-digest.ts";

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

test("hashes are what they always were: some are stored, and compared with another version's", () => {
  // From FNV's published test vectors.
  assert.deepEqual(
    ["", "a", "foobar"].map((text) => hexOf(fnv1a(text))),
    ["811c9dc5", "e40c292c", "bf9cf968"],
  );
  assert.equal(textDigest("temperature ä"), "8a34a7b9c7270ba3");
  assert.equal(textHash("temperature ä", 0x811c9dc5), 3341224867);
});
