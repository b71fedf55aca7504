import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "@skerry/base";
import { validateSuccessPolicy } from "./success-policy.ts";

const errorsOf = (rules: JsonObject[], spec: JsonObject = { completionMode: "Indexed", completions: 5 }): string[] =>
  validateSuccessPolicy({ ...spec, successPolicy: { rules } }, "spec.successPolicy").map(
    ({ field, message }) => `${field}: ${message}`,
  );

test("a success policy is taken when its ranges ascend and stay below the completions", () => {
  for (const succeededIndexes of ["", "0", "0-4", "0,2-3,4"]) assert.deepEqual(errorsOf([{ succeededIndexes }]), []);
  assert.deepEqual(errorsOf([{ succeededIndexes: "0-3", succeededCount: 4 }, { succeededCount: 5 }]), []);
  assert.deepEqual(validateSuccessPolicy({}, "spec.successPolicy"), []);
});

test("a success policy is refused with what is wrong with its indexes", () => {
  const wrong: readonly (readonly [string, RegExp])[] = [
    ["0-999999999", /too large index: "999999999"/],
    ["5", /too large index: "5"/],
    ["2,1", /non-increasing order, previous: 2, current: 1/],
    ["3-1", /non-increasing order, previous: 3, current: 1/],
    ["0-2,2", /non-increasing order, previous: 2, current: 2/],
    ["1-2-3", /at most two parts/],
    ["x", /cannot convert string to integer for index: "x"/],
    ["1,", /cannot convert string to integer for index: ""/],
  ];
  for (const [succeededIndexes, pattern] of wrong) {
    const [error = "", ...others] = errorsOf([{ succeededIndexes }]);
    assert.match(error, /^spec\.successPolicy\.rules\[0\]\.succeededIndexes: Invalid value: .*error parsing/);
    assert.match(error, pattern);
    assert.deepEqual(others, []);
  }
});

test("a success policy is refused for other Jobs than Indexed ones, without rules, and with counts that are out of reach", () => {
  assert.match(errorsOf([{ succeededCount: 1 }], { completions: 5 })[0] ?? "", /requires indexed completion mode/);
  assert.match(errorsOf([])[0] ?? "", /at least one rules must be specified/);
  assert.match(errorsOf([{}])[0] ?? "", /at least one of succeededCount or succeededIndexes/);
  assert.match(errorsOf(Array.from({ length: 21 }, () => ({ succeededCount: 1 })))[0] ?? "", /at most 20 items/);
  assert.match(errorsOf([{ succeededCount: 6 }])[0] ?? "", /number of specified completions/);
  assert.match(errorsOf([{ succeededIndexes: "0-1", succeededCount: 3 }])[0] ?? "", /less than or equal to 2/);
  assert.match(errorsOf([{ succeededCount: -1 }])[0] ?? "", /greater than or equal to 0/);
});
