import assert from "node:assert/strict";
import { test } from "node:test";
import { isSkerryError } from "@skerry/base";
import { isBinaryQuantity, nanoToQuantity, quantityToMilli, quantityToNano, quantityToNumber } from "./quantity.ts";

test("quantities of every form have their value", () => {
  const expected: readonly [string | number, number][] = [
    ["100m", 100],
    ["1", 1000],
    [2, 2000],
    ["1.5", 1500],
    [".5", 500],
    ["5.", 5000],
    ["1e3", 1_000_000],
    ["1E-1", 100],
    ["1u", 1],
    ["-100m", -100],
  ];
  for (const [text, milli] of expected) assert.equal(quantityToMilli(text), milli, String(text));
  assert.equal(quantityToNumber("64Mi"), 64 * 1024 * 1024);
  assert.equal(quantityToNumber("1.5Gi"), 1.5 * 1024 ** 3);
  assert.equal(quantityToNumber("1E"), 1e18);
  assert.equal(quantityToNumber("100m"), 1);
  assert.equal(quantityToNano("0.1n"), 1n);
});

test("a text that is no quantity is refused with its code", () => {
  for (const text of ["", "m", "1 Mi", "1mi", "1KB", "0x1", "1e", "1e999999", "--1", "."])
    assert.throws(
      () => quantityToNano(text),
      (error) => isSkerryError(error, "KUBE_BAD_QUANTITY"),
      text,
    );
});

test("an amount is written with the largest unit that leaves a whole number, as Kubernetes writes it", () => {
  const expected: readonly [string, string][] = [
    ["0", "0"],
    ["1000m", "1"],
    ["1500m", "1500m"],
    ["0.1", "100m"],
    ["1024", "1024"],
    ["2000", "2k"],
    ["1024Mi", "1Gi"],
    ["1.5Gi", "1536Mi"],
    ["512", "512"],
    ["-2Ki", "-2Ki"],
    ["0.5Ki", "512"],
    ["1n", "1n"],
  ];
  for (const [text, canonical] of expected)
    assert.equal(nanoToQuantity(quantityToNano(text), isBinaryQuantity(text)), canonical, text);
});
