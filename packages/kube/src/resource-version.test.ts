import assert from "node:assert/strict";
import { test } from "node:test";
import { isSkerryError } from "@skerry/base";
import fc from "fast-check";
import { compareResourceVersions } from "./resource-version.ts";

test("resourceVersions are ordered as unsigned integers of any length", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n }), fc.bigInt({ min: 0n }), (left, right) => {
      const order = Math.sign(compareResourceVersions(`${left}`, `${right}`));
      assert.equal(order, left < right ? -1 : left > right ? 1 : 0);
    }),
  );
  assert.equal(compareResourceVersions("007", "7"), 0);
});

test("a resourceVersion that is no unsigned integer is refused with its code", () => {
  for (const text of ["", "-1", "1.0", "abc", "0x10"])
    assert.throws(
      () => compareResourceVersions(text, "1"),
      (error) => isSkerryError(error, "KUBE_BAD_RESOURCE_VERSION"),
      text,
    );
});
