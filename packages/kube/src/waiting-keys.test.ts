import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { WaitingKeys } from "./waiting-keys.ts";

test("keys wait by priority, then in the order they came, whatever was taken away between", () => {
  const step = fc.record({
    key: fc.constantFrom("a", "b", "c", "d", "e"),
    priority: fc.integer({ min: -2, max: 2 }),
    isAdded: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const keys = new WaitingKeys();
      let model: { key: string; priority: number }[] = [];
      for (const { key, priority, isAdded } of steps) {
        if (!isAdded) {
          keys.delete(key);
          model = model.filter((entry) => entry.key !== key);
        } else {
          if (!model.some((entry) => entry.key === key)) model.push({ key, priority });
          keys.add(key, priority);
        }
        const expected = [...model].sort((left, right) => right.priority - left.priority).map((entry) => entry.key);
        assert.deepEqual([...keys], expected);
        assert.equal(keys.size, model.length);
        assert.equal(
          keys.has(key),
          model.some((entry) => entry.key === key),
        );
      }
    }),
  );
});

test("keys are taken one after the other while they are gone through", () => {
  const keys = new WaitingKeys();
  for (const [index, key] of ["low", "high", "low2"].entries()) keys.add(key, index === 1 ? 1 : 0);
  const seen: string[] = [];
  for (const key of keys) {
    keys.delete(key);
    seen.push(key);
  }
  assert.deepEqual([seen, keys.size], [["high", "low", "low2"], 0]);
});
