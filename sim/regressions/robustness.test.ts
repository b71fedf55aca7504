import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { drawSchedule } from "../schedule/draw-schedule.ts";
import type { Schedule } from "../schedule/schedule.ts";
import { countFailing, meets } from "./robustness.ts";

const SCHEDULE = drawSchedule(100, "skerry");

/** Fails as often as `results` says, one for each latency. */
function failing(results: readonly boolean[]): (schedule: Schedule) => Promise<boolean> {
  return async ({ seed }) => results[seed - SCHEDULE.seed] ?? assert.fail("it asked for more latencies than it may");
}

test("a demand is met exactly when the schedule fails with enough latencies", async () => {
  const results = fc.array(fc.boolean(), { minLength: 1, maxLength: 10 });
  await fc.assert(
    fc.asyncProperty(results, fc.integer({ min: 1, max: 10 }), async (of, needed) => {
      const count = of.filter((fails) => fails).length;
      assert.equal(await meets({ needed, of: of.length }, SCHEDULE, failing(of)), count >= needed);
      assert.equal(await countFailing(of.length, SCHEDULE, failing(of)), count);
    }),
  );
});

test("no latency is run once it is known whether a demand is met", async () => {
  const tried = async (demand: { needed: number; of: number }, fails: boolean): Promise<number> => {
    let runs = 0;
    await meets(demand, SCHEDULE, async () => {
      runs++;
      return fails;
    });
    return runs;
  };
  assert.equal(await tried({ needed: 8, of: 10 }, true), 8);
  assert.equal(await tried({ needed: 8, of: 10 }, false), 3);
  assert.equal(await tried({ needed: 1, of: 20 }, true), 1);
});
