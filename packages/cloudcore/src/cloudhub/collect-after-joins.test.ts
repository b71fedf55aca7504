import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "@skerry/base/testing";
import { ScriptedCloudHub } from "../testing/scripted-cloud-hub.ts";
import { CollectAfterJoins } from "./collect-after-joins.ts";

function world(): {
  readonly clock: ManualClock;
  /** So many nodes, one after the other. */
  readonly join: (count: number, everyMs: number) => Promise<void>;
  readonly collections: () => number;
  readonly watch: CollectAfterJoins;
} {
  const [clock, cloudHub] = [new ManualClock(), new ScriptedCloudHub()];
  let [joined, collected] = [0, 0];
  return {
    clock,
    join: async (count, everyMs) => {
      for (let index = 0; index < count; index++) {
        cloudHub.connect(`edge-${++joined}`);
        await clock.advance(everyMs);
      }
    },
    collections: () => collected,
    watch: new CollectAfterJoins({ cloudHub, clock, collectGarbage: () => collected++ }),
  };
}

test("garbage is collected once, when many nodes have come and no more come", async () => {
  const { clock, join, collections, watch } = world();
  using _watch = watch;
  await join(60, 10);
  assert.equal(collections(), 0);
  await clock.advance(20_000);
  assert.equal(collections(), 1);
  await clock.advance(3_600_000);
  assert.equal(collections(), 1);
});

test("garbage is collected once after a storm, though a few nodes come all the time", async () => {
  const { join, collections, watch } = world();
  using _watch = watch;
  await join(1_000, 10);
  assert.equal(collections(), 0);
  await join(1_000, 5_000);
  assert.equal(collections(), 1);
  await join(1_000, 10);
  await join(1_000, 5_000);
  assert.equal(collections(), 2);
});

test("a few nodes that come are no reason to collect garbage, whether at once or all the time", async () => {
  const { clock, join, collections, watch } = world();
  using _watch = watch;
  await join(30, 10);
  await clock.advance(60_000);
  await join(30, 10);
  await clock.advance(60_000);
  await join(500, 4_000);
  await clock.advance(60_000);
  assert.equal(collections(), 0);
});

test("in a large fleet garbage is collected when a tenth of it has come", async () => {
  const { clock, join, collections, watch } = world();
  using _watch = watch;
  await join(1_000, 10);
  await clock.advance(20_000);
  assert.equal(collections(), 1);
  await join(60, 10);
  await clock.advance(20_000);
  assert.equal(collections(), 1);
  await join(120, 10);
  await clock.advance(20_000);
  assert.equal(collections(), 2);
});

test("nothing is collected any more after the end", async () => {
  const { clock, join, collections, watch } = world();
  await join(60, 10);
  watch[Symbol.dispose]();
  await clock.advance(60_000);
  assert.equal(collections(), 0);
});
