import assert from "node:assert/strict";
import { test } from "node:test";
import { PatternCache } from "./pattern-cache.ts";

test("a pattern whose repetitions would fill the memory is refused before it is compiled", () => {
  const cache = new PatternCache();
  assert.equal(cache.problemOf("[a-z]{0,1000}".repeat(500)), "error parsing regexp: expression too large");
  assert.equal(cache.problemOf("x".repeat(10_001)), "error parsing regexp: expression too large");
  assert.equal(cache.problemOf("^[a-z0-9]{1,63}(\\.[a-z0-9]{1,63}){0,3}$"), undefined);
  assert.equal(cache.problemOf("^\\{9999999\\}$"), undefined, "an escaped brace repeats nothing");
});

test("patterns are found again after others have taken their place", () => {
  const cache = new PatternCache();
  for (let index = 0; index < 200; index++) assert.equal(cache.isFoundIn(`v${index}`, `^v${index}x{0,900}$`), true);
  assert.equal(cache.isFoundIn("v0", "^v0x{0,900}$"), true);
});
