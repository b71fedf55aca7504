import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "@skerry/base/testing";
import { ScriptedCloudHub } from "../testing/scripted-cloud-hub.ts";
import { CollectAfterJoins } from "./collect-after-joins.ts";

function world(): {
  readonly clock: ManualClock;
  readonly join: (count: number) => Promise<void>;
  readonly collections: () => number;
  readonly watch: CollectAfterJoins;
} {
  const [clock, cloudHub] = [new ManualClock(), new ScriptedCloudHub()];
  let [joined, collected] = [0, 0];
  return {
    clock,
    /** One node every 200 ms. */
    join: async (count) => {
      for (let index = 0; index < count; index++) {
        cloudHub.connect(`edge-${++joined}`);
        await clock.advance(200);
      }
    },
    collections: () => collected,
    watch: new CollectAfterJoins({ cloudHub, clock, collectGarbage: () => collected++ }),
  };
}

test("garbage is collected once, when many nodes have come and no more come", async () => {
  const { clock, join, collections, watch } = world();
  using _watch = watch;
  await join(60);
  assert.equal(collections(), 0);
  await clock.advance(10_000);
  assert.equal(collections(), 1);
  await clock.advance(3_600_000);
  assert.equal(collections(), 1);
});

test("a few nodes that come are no reason to collect garbage, until they are many together", async () => {
  const { clock, join, collections, watch } = world();
  using _watch = watch;
  await join(30);
  await clock.advance(60_000);
  assert.equal(collections(), 0);
  await join(20);
  await clock.advance(60_000);
  assert.equal(collections(), 1);
});

test("in a large fleet garbage is collected when a tenth of it has come", async () => {
  const { clock, join, collections, watch } = world();
  using _watch = watch;
  await join(1_000);
  await clock.advance(10_000);
  assert.equal(collections(), 1);
  await join(60);
  await clock.advance(10_000);
  assert.equal(collections(), 1);
  await join(60);
  await clock.advance(10_000);
  assert.equal(collections(), 2);
});

test("nothing is collected any more after the end", async () => {
  const { clock, join, collections, watch } = world();
  await join(60);
  watch[Symbol.dispose]();
  await clock.advance(60_000);
  assert.equal(collections(), 0);
});
