import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { hasMissedMany, parseCronSchedule } from "./cron-schedule.ts";

const at = (text: string): number => Date.parse(text);

test("the latest time is never after now, and the next one always is", () => {
  const schedules = ["*/7 * * * *", "0 3 * * mon", "@hourly", "@every 90s", "15 10 1,15 * *"];
  fc.assert(
    fc.property(
      fc.constantFrom(...schedules),
      fc.integer({ min: at("2024-01-01T00:00:00Z"), max: at("2028-01-01T00:00:00Z") }),
      (text, nowMs) => {
        const schedule = parseCronSchedule(text);
        const [latest, next] = [schedule.latest(nowMs), schedule.next(nowMs)];
        assert.ok(latest !== undefined && latest <= nowMs);
        assert.ok(next !== undefined && next > nowMs);
        assert.equal(schedule.next(latest), next);
      },
    ),
    { numRuns: 50 },
  );
});

test("a time that the clocks leave out in spring is served once, and one that comes twice in autumn too", () => {
  const schedule = parseCronSchedule("30 2 * * *", "Europe/Berlin");
  const spring = schedule.next(at("2026-03-28T12:00:00Z")) ?? 0;
  assert.ok(spring < at("2026-03-29T12:00:00Z"));
  const autumn = schedule.next(at("2026-10-24T12:00:00Z")) ?? 0;
  assert.ok((schedule.next(autumn) ?? 0) > at("2026-10-25T12:00:00Z"));
});

test("many missed times are told from a few", () => {
  const schedule = parseCronSchedule("* * * * *");
  const start = at("2026-01-01T00:00:00Z");
  assert.equal(hasMissedMany(schedule, start, start + 99 * 60_000), false);
  assert.equal(hasMissedMany(schedule, start, start + 102 * 60_000), true);
});

test("what is no schedule or no time zone throws", () => {
  assert.throws(() => parseCronSchedule("every day"));
  assert.throws(() => parseCronSchedule("@every 0s"));
  assert.throws(() => parseCronSchedule("* * * * *", "Mars/Base"));
});
