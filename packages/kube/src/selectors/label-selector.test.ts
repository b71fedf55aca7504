import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isApiError } from "../api-error.ts";
import { formatLabelSelector, labelSelectorPredicate, matchesLabels, parseLabelSelector } from "./label-selector.ts";

const matches = (selector: string, labels: Record<string, string>): boolean =>
  matchesLabels(parseLabelSelector(selector), labels);

test("a label selector matches as kubectl's operators say", () => {
  const labels = { app: "web", tier: "front", size: "5", "node-role.kubernetes.io/edge": "" };
  for (const selector of [
    "",
    "app=web",
    "app==web,tier=front",
    "app in (web, db)",
    "tier notin (back)",
    "absent!=x",
    "absent notin (x,y)",
    "app",
    "!absent",
    "node-role.kubernetes.io/edge=",
    "size>4,size<6",
  ])
    assert.equal(matches(selector, labels), true, selector);
  for (const selector of [
    "app=db",
    "app!=web",
    "absent",
    "!app",
    "app notin (web)",
    "size>5",
    "absent>1",
    "tier in ()",
  ])
    assert.equal(matches(selector, labels), false, selector);
});

test("a malformed label selector is refused as BadRequest", () => {
  for (const selector of ["app=web)", "a b c", "=x", "app in web", "app=we b", "-a=b", "size>x", "app=web,(", "a=b=c"])
    assert.throws(
      () => parseLabelSelector(selector),
      (error) => isApiError(error, "BadRequest"),
      selector,
    );
});

test("a LabelSelector object matches nothing when missing and everything when empty", () => {
  assert.equal(labelSelectorPredicate(undefined)({ a: "b" }), false);
  assert.equal(labelSelectorPredicate({})(undefined), true);
  const predicate = labelSelectorPredicate({
    matchLabels: { app: "web" },
    matchExpressions: [
      { key: "tier", operator: "NotIn", values: ["back"] },
      { key: "canary", operator: "DoesNotExist" },
    ],
  });
  assert.equal(predicate({ app: "web" }), true);
  assert.equal(predicate({ app: "web", tier: "back" }), false);
  assert.equal(predicate({ app: "web", canary: "1" }), false);
});

test("a label does not match by an inherited member's name", () => {
  assert.equal(matches("constructor", {}), false);
});

test("a formatted selector reads back as the same requirements", () => {
  const word = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);
  const requirement = fc.oneof(
    fc.record({
      operator: fc.constantFrom("In" as const, "NotIn" as const),
      key: word,
      values: fc.uniqueArray(word, { minLength: 1, maxLength: 3 }).map((values) => values.sort()),
    }),
    fc.record({ operator: fc.constantFrom("Exists" as const, "DoesNotExist" as const), key: word }),
  );
  fc.assert(
    fc.property(fc.array(requirement, { maxLength: 5 }), (selector) => {
      assert.deepEqual(parseLabelSelector(formatLabelSelector(selector)), structuredClone(selector));
    }),
  );
});
