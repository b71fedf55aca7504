import assert from "node:assert/strict";
import { test } from "node:test";
import { isSkerryError } from "@skerry/base";
import fc from "fast-check";
import { fromText, propertyType, toText } from "./property-value.ts";

test("what a driver reads is written back as the same value", () => {
  fc.assert(
    fc.property(fc.oneof(fc.maxSafeInteger(), fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n })), (value) => {
      assert.equal(BigInt(fromText("int", toText("int", value) ?? "") as number), BigInt(value));
    }),
  );
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      assert.equal(Number(fromText("double", toText("double", value) ?? "")), value === 0 ? 0 : value);
    }),
  );
  for (const value of [true, false]) assert.equal(fromText("boolean", toText("boolean", value) ?? ""), value);
});

test("a value of another type is refused, none is none", () => {
  for (const [type, value] of [
    ["int", 21.5],
    ["float", Number.NaN],
    ["boolean", "yes"],
    ["int", ""],
  ] as const)
    assert.throws(
      () => toText(type, value),
      (error) => isSkerryError(error, "DRIVER_VALUE_UNFIT"),
    );
  assert.equal(toText("float", null), undefined);
  assert.equal(toText("boolean", 1), "true");
  assert.equal(toText("bytes", new Uint8Array([1, 255])), "Af8=");
  assert.equal(toText("string", { a: 1 }), '{"a":1}');
  assert.equal(propertyType("INTEGER"), "int");
  assert.equal(propertyType("something"), "string");
});
