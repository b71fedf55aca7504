import assert from "node:assert/strict";
import { test } from "node:test";
import { BodyBudget } from "./body-budget.ts";

const user = (username: string, groups: readonly string[] = []): { username: string; groups: readonly string[] } => ({
  username,
  groups,
});

test("large bodies have room for one user and for all together, and give it back", () => {
  const budget = new BodyBudget({ mostBytes: 100, mostBytesAUser: 60 });
  const first = budget.share();
  assert.ok(first.take(user("a"), 30) && first.take(user("a"), 30));
  using second = budget.share();
  assert.equal(second.take(user("a"), 1), false, "the user has no more");
  assert.ok(second.take(user("b"), 40));
  using third = budget.share();
  assert.equal(third.take(user("c"), 1), false, "nobody has more");
  assert.ok(third.take(user("d", ["system:masters"]), 60), "but superusers");
  assert.equal(third.take(user("d", ["system:masters"]), 1), false, "who have a limit, too");
  assert.equal(budget.refused, 3);
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  assert.ok(second.take(user("b"), 1), "what is given back, once, others may have");
});
