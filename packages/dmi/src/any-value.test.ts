import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { fromCustomizedValue, toCustomizedValue } from "./any-value.ts";
import { CustomizedValue } from "./generated/dmi.ts";

const throughTheWire = (config: Parameters<typeof toCustomizedValue>[0]): unknown =>
  fromCustomizedValue(CustomizedValue.decode(CustomizedValue.encode(toCustomizedValue(config)).finish()));

test("texts, truth values, whole numbers and 32-bit floats come through the wire as they were", () => {
  const value = fc.oneof(
    fc.string({ unit: "grapheme" }),
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.tuple(fc.integer({ min: -999_999, max: 999_999 }), fc.nat(6)).map(([digits, shift]) => digits / 10 ** shift),
  );
  fc.assert(
    fc.property(fc.dictionary(fc.string(), value), (config) => {
      assert.deepEqual(throughTheWire(config), { ...config });
    }),
  );
});

test("a key named data, objects and lists do not stop a device; null is left out", () => {
  assert.deepEqual(throughTheWire({ data: "x", map: { a: [1] }, list: [1, "b"], nothing: null }), {
    data: "x",
    map: '{"a":[1]}',
    list: '[1,"b"]',
  });
});

test("a number beyond 32-bit floats stays what it is, as text", () => {
  assert.deepEqual(throughTheWire({ huge: 1e300 }), { huge: "1e+300" });
});

test("a value of an unknown type or with broken bytes is left out", () => {
  const data = new Map([
    ["known", { typeUrl: "type.googleapis.com/google.protobuf.DoubleValue", value: new Uint8Array() }],
    ["unknown", { typeUrl: "type.googleapis.com/example.Thing", value: new Uint8Array([1]) }],
    ["broken", { typeUrl: "type.googleapis.com/google.protobuf.StringValue", value: new Uint8Array([10, 200]) }],
  ]);
  assert.deepEqual(fromCustomizedValue({ data }), { known: 0 });
});
