import assert from "node:assert/strict";
import { test } from "node:test";
import { isSkerryError, type JsonObject } from "@skerry/base";
import fc from "fast-check";
import type { PropertyType } from "./property-value.ts";
import { ValueRules } from "./value-rules.ts";

function rules(type: PropertyType, config: JsonObject, minimum?: number, maximum?: number): ValueRules {
  return new ValueRules(type, config, { minimum, maximum }, new Set());
}

test("a value is scaled on its way up and back on its way down, without the digits that doubles add", () => {
  assert.equal(rules("float", { scale: 0.1 }).toText(213), "21.3");
  assert.equal(rules("float", { scale: 0.1 }).fromText("21.3"), 213);
  assert.equal(rules("float", { scale: "0.1", valueOffset: -40 }).toText(1000), "60");
  assert.equal(rules("float", { scale: 0.1, valueOffset: -40 }).fromText("60"), 1000);
  assert.equal(rules("int", { scale: 0.1 }).toText(218), "22");
  assert.equal(rules("int", { scale: 0 }).toText(7), "7", "0 counts as 1");
  assert.equal(rules("string", { scale: 10 }).toText("7"), "7");
});

test("what is scaled down is scaled up to the same value", () => {
  const scale = fc.constantFrom(0.001, 0.01, 0.1, 0.5, 2, 10, 100);
  fc.assert(
    fc.property(scale, fc.integer({ min: -1_000_000, max: 1_000_000 }), (factor, raw) => {
      const rule = rules("double", { scale: factor });
      assert.equal(rule.fromText(rule.toText(raw) ?? ""), raw);
    }),
  );
});

test("whole numbers beyond 2^53 stay exact where nothing is scaled", () => {
  assert.equal(rules("int", {}).toText(2n ** 62n), String(2n ** 62n));
  assert.equal(rules("int", {}).fromText(String(2n ** 62n)), 2n ** 62n);
});

test("a value outside of its range is refused: readings by the visitor's, desired values by the model's too", () => {
  const outOfRange = (error: unknown): boolean => isSkerryError(error, "DRIVER_VALUE_OUT_OF_RANGE");
  const rule = rules("float", { scale: 0.1, min: 1, max: "100" }, 0, 50);
  assert.equal(rule.toText(900), "90");
  assert.throws(() => rule.toText(1001), outOfRange);
  assert.throws(() => rule.toText(5), outOfRange);
  assert.throws(() => rule.fromText("51"), outOfRange);
  assert.equal(rule.fromText("50"), 500);
});

test("a member that the driver declares itself is the driver's", () => {
  const rule = new ValueRules("int", { scale: 10 }, { minimum: undefined, maximum: undefined }, new Set(["scale"]));
  assert.equal(rule.toText(7), "7");
  assert.throws(
    () => rules("int", { scale: "ten" }),
    (error) => isSkerryError(error, "DRIVER_CONFIG_INVALID") && error.message.includes("configData.scale"),
  );
});

test("news is what differs by the dead band at least", () => {
  const rule = rules("float", { deadBand: 0.5 });
  assert.equal(rule.isNews("20.4", "20"), false);
  assert.equal(rule.isNews("20.5", "20"), true);
  assert.equal(rules("float", {}).isNews("20", "20"), true);
  assert.equal(rules("string", { deadBand: 5 }).isNews("a", "a"), true);
});
