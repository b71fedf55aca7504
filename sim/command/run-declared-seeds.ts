import { DECLARATION_MUTANTS } from "../declarations/declaration-mutants.ts";
import { DECLARATIONS, runDeclared } from "../declarations/declared-run.ts";

/** Lives with declared twins, one seed after the other, then their planted bugs; returns whether all held and all were found. */
export async function runDeclaredSeeds({
  from,
  count,
  isJson,
}: {
  readonly from: number;
  readonly count: number;
  readonly isJson: boolean;
}): Promise<boolean> {
  const lives = new Map<string, number>();
  const failed: number[] = [];
  for (let seed = from; seed < from + count; seed++) {
    const { declaration, violations, story } = await runDeclared(seed);
    lives.set(declaration, (lives.get(declaration) ?? 0) + 1);
    if (violations.length === 0) continue;
    failed.push(seed);
    const told = violations.map(({ invariant, message }) => `${invariant} ${message}`);
    console.log(
      isJson ? JSON.stringify({ seed, declaration, violations }) : `seed ${seed}: ${told.join("; ")}\n${story}`,
    );
  }
  const found = new Map<string, number | undefined>();
  for (const mutant of DECLARATION_MUTANTS) found.set(mutant.name, await firstSeedOf(mutant, from, count));
  if (isJson)
    console.log(
      JSON.stringify({ seeds: count, failed, lives: Object.fromEntries(lives), found: Object.fromEntries(found) }),
    );
  else {
    console.log(DECLARATIONS.map((declaration) => `${declaration} ${lives.get(declaration) ?? 0}`).join(", "));
    console.log(
      `${count - failed.length} seeds held, ${failed.length} failed${failed.length > 0 ? `: ${failed.join(", ")}` : ""}`,
    );
    for (const [name, seed] of found)
      console.log(`${name}: ${seed === undefined ? "NOT FOUND" : `found by seed ${seed}`}`);
  }
  return failed.length === 0 && [...found.values()].every((seed) => seed !== undefined);
}

async function firstSeedOf(
  mutant: (typeof DECLARATION_MUTANTS)[number],
  from: number,
  count: number,
): Promise<number | undefined> {
  for (let seed = from; seed < from + count; seed++) {
    const { violations } = await runDeclared(seed, mutant);
    if (violations.some(({ invariant }) => invariant === mutant.breaks)) return seed;
  }
  return undefined;
}
