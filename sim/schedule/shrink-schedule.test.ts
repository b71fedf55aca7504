import assert from "node:assert/strict";
import { test } from "node:test";
import { drawSchedule } from "./draw-schedule.ts";
import type { Schedule } from "./schedule.ts";
import { shrinkSchedule } from "./shrink-schedule.ts";

test("a failing schedule is shrunk to the acts that the failure needs, in their order", async () => {
  const schedule = drawSchedule(3, "mixed");
  const needed = [10, 41].flatMap((index) => schedule.acts[index] ?? []);
  const needs = ({ acts }: Schedule): boolean => {
    const [first = -1, second = -1] = needed.map((act) => acts.indexOf(act));
    return first >= 0 && first < second;
  };
  const shrunk = await shrinkSchedule(schedule, async (candidate) => needs(candidate), 1_000);
  assert.deepEqual(shrunk.acts, needed);
  assert.equal(shrunk.clouds, 1);
});

test("shrinking ends with what it has when its runs are used up", async () => {
  let runs = 0;
  const fails = async (): Promise<boolean> => ++runs > 0;
  const shrunk = await shrinkSchedule(drawSchedule(3, "mixed"), fails, 1);
  assert.equal(runs, 1);
  assert.ok(shrunk.acts.length > 0);
});
