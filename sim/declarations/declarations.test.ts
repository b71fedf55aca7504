import assert from "node:assert/strict";
import { test } from "node:test";
import { DECLARATION_MUTANTS } from "./declaration-mutants.ts";
import { runDeclared } from "./declared-run.ts";

const SEEDS = 30;

test("what devices declare of their wanted values holds in each life", async () => {
  const declared = new Set<string>();
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { declaration, violations, story } = await runDeclared(seed);
    assert.deepEqual(violations, [], `seed ${seed}, ${declaration}:\n${story}`);
    declared.add(declaration);
  }
  assert.equal(declared.size, 4);
});

for (const mutant of DECLARATION_MUTANTS)
  test(`the planted bug ${mutant.name} is found`, async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { violations } = await runDeclared(seed, mutant);
      if (violations.some(({ invariant }) => invariant === mutant.breaks)) return;
    }
    assert.fail(`not found in ${SEEDS} seeds`);
  });
