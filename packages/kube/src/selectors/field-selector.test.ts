import assert from "node:assert/strict";
import { test } from "node:test";
import { isApiError } from "../api-error.ts";
import { matchesFields, parseFieldSelector } from "./field-selector.ts";

const pod = { metadata: { name: "a", namespace: "b" }, spec: { hostNetwork: true }, status: { phase: "Running" } };

test("a field selector matches fields by path, absent ones as empty text", () => {
  for (const selector of [
    "",
    "metadata.name=a,status.phase==Running",
    "spec.nodeName=",
    "spec.nodeName!=x",
    "spec.hostNetwork=true",
  ])
    assert.equal(matchesFields(parseFieldSelector(selector), pod), true, selector);
  for (const selector of ["metadata.name!=a", "spec.nodeName!=", "constructor.name!="])
    assert.equal(matchesFields(parseFieldSelector(selector), pod), false, selector);
});

test("escaped commas and equal signs belong to the value", () => {
  assert.deepEqual(parseFieldSelector("a=b\\,c\\=d\\\\,e!=f"), [
    { field: "a", operator: "=", value: "b,c=d\\" },
    { field: "e", operator: "!=", value: "f" },
  ]);
});

test("a malformed field selector is refused as BadRequest", () => {
  for (const selector of ["name", "a=b=c", "a=\\x", "=x"])
    assert.throws(
      () => parseFieldSelector(selector),
      (error) => isApiError(error, "BadRequest"),
      selector,
    );
});
