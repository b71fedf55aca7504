import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLogger } from "@skerry/base";
import type { ScheduledAct } from "../schedule/schedule.ts";
import { runSchedule } from "./run-schedule.ts";

const END_MS = 50_000;

function act(atMs: number, kind: ScheduledAct["kind"], what: string, salt: number): ScheduledAct {
  return { atMs, kind, what, node: 0, salt };
}

for (const what of [
  "edge of an older version",
  "edge of a newer version",
  "cloud of an older version",
  "cloud of a newer version",
])
  for (const delivery of ["skerry", "kubeedge"] as const)
    test(`work goes on with: ${what}, delivery ${delivery}`, async () => {
      for (const salt of [1, 2]) {
        const acts = [
          act(8_000, "fault", what, salt),
          act(20_000, "work", "create pod", salt),
          act(21_000, "work", "change desired value", salt),
          act(22_000, "work", "report twin", salt),
          act(23_000, "work", "driver reports", salt),
        ];
        const schedule = { seed: salt, clouds: 1, nodes: [{ delivery, hasTightOutbox: false }], acts, endMs: END_MS };
        const { violations, history } = await runSchedule(schedule, silentLogger);
        assert.deepEqual(violations, []);
        const kinds = new Set(
          history.events.filter(({ atMs }) => atMs > 20_000 && atMs < END_MS).map(({ kind }) => kind),
        );
        for (const kind of [
          "object-stored",
          "container-started",
          "desired-told",
          "twin-accepted",
          "twin-shown",
        ] as const)
          assert.ok(kinds.has(kind), `${kind}, salt ${salt}`);
      }
    });

test("EdgeCore leaves a database alone that a newer version has written, and goes on when that version is gone", async () => {
  const acts = [
    act(8_000, "work", "create pod", 1),
    act(20_000, "fault", "edge database of a newer version", 1),
    act(21_000, "work", "report twin", 1),
  ];
  for (const hasUnsyncedDisk of [false, true]) {
    const nodes = [{ delivery: "skerry" as const, hasTightOutbox: false, hasUnsyncedDisk }];
    const { violations, history } = await runSchedule({ seed: 1, clouds: 1, nodes, acts, endMs: END_MS }, silentLogger);
    assert.deepEqual(violations, []);
    assert.ok(history.events.some(({ kind }) => kind === "schema-refused"));
    assert.ok(history.events.some(({ kind, atMs }) => kind === "twin-shown" && atMs > 21_000));
  }
});
