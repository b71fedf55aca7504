import assert from "node:assert/strict";
import { test } from "node:test";
import { isSkerryError } from "@skerry/base";
import { checkValue, parseType, sameValue } from "./value-type.ts";

const cases: readonly [type: string, good: readonly string[], bad: readonly string[]][] = [
  ["int", ["0", "-7", "+7", "9223372036854775807"], ["1.5", "9223372036854775808", "0x10", " 1", "1e3"]],
  ["FLOAT", ["1", "-1.5", ".5", "1e-3"], ["1,5", "NaN", "Infinity", "1e999", "22 C"]],
  ["boolean", ["true", "false"], ["True", "1", "yes"]],
  ["string", ["", "any text {}"], ["a\0b"]],
];

test("values are accepted by type as KubeEdge's rules say", () => {
  for (const [name, good, bad] of cases) {
    const type = parseType("p", name);
    for (const value of good) checkValue("p", type, value, 100);
    for (const value of bad)
      assert.throws(
        () => checkValue("p", type, value, 100),
        (error) => isSkerryError(error, "DEVICETWIN_VALUE_INVALID"),
        `${name} ${value}`,
      );
  }
});

test("numbers are the same by value, texts by text", () => {
  assert.ok(sameValue("float", "20", "20.0"));
  assert.ok(sameValue("int", "+7", "7"));
  assert.ok(!sameValue("int", "9223372036854775807", "9223372036854775806"));
  assert.ok(!sameValue("string", "20", "20.0"));
  assert.ok(!sameValue("float", "0", ""));
});
