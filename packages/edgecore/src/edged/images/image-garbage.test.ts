import assert from "node:assert/strict";
import { test } from "node:test";
import { EdgedWorld } from "../testing/edged-world.ts";

const GIB = 2 ** 30;
const PERIOD_MS = 300_000;

function fill(world: EdgedWorld, usedShare: number): void {
  const { diskTotalBytes } = world.host.pressureValue;
  const diskAvailableBytes = Math.round(diskTotalBytes * (1 - usedShare));
  world.host.pressureValue = { ...world.host.pressureValue, diskAvailableBytes };
}

const removed = (world: EdgedWorld): string[] =>
  world.runtime.actions.filter((action) => action.startsWith("removeImage")).map((action) => action.slice(19));

/** No eviction: only the images are looked at. */
const config = { eviction: { thresholds: [], pressureTransitionMs: 0, maxPodGraceSeconds: 0 } };

test("images that nothing uses are removed from 85 % on, longest unused first, until 80 % is used", async () => {
  await using world = new EdgedWorld({ config });
  world.runtime.addImage("older:1", GIB);
  await world.start();
  await world.put("pod", world.pod("web"));
  await world.put("pod", world.pod("waits", { containers: [{ name: "app", image: "waits:1" }] }));
  await world.pass(PERIOD_MS);
  world.runtime.addImage("newer:1", GIB);
  world.runtime.addImage("pause:1", GIB, true);
  world.runtime.addImage("waits:1", GIB);
  fill(world, 0.84);
  await world.pass(2 * PERIOD_MS);
  assert.deepEqual(removed(world), []);
  fill(world, 0.86);
  await world.pass(PERIOD_MS);
  // Six hundredths of 16 GiB are less than 1 GiB.
  assert.deepEqual(removed(world), ["older:1"]);
  await world.pass(2 * PERIOD_MS);
  assert.deepEqual(removed(world), ["older:1", "newer:1"]);
  await world.pass(2 * PERIOD_MS);
  assert.deepEqual(removed(world), ["older:1", "newer:1"]);
  assert.ok(world.cloud.eventReasons("edge-1").includes("FreeDiskSpaceFailed"));
});

test("an image that just came stays for two minutes, an image unused for longer than the maximum goes on any disk", async () => {
  const imageGarbage = { highShare: 0.85, lowShare: 0.8, minimumAgeMs: 120_000, maximumAgeMs: 1_000_000 };
  await using world = new EdgedWorld({ config: { ...config, imageGarbage } });
  await world.start();
  await world.put("pod", world.pod("web"));
  await world.pass(PERIOD_MS - 1000);
  world.runtime.addImage("fresh:1", GIB);
  fill(world, 0.9);
  await world.pass(1000);
  assert.deepEqual(removed(world), []);
  fill(world, 0.5);
  await world.pass(3 * PERIOD_MS);
  assert.deepEqual(removed(world), []);
  await world.pass(PERIOD_MS);
  assert.deepEqual(removed(world), ["fresh:1"]);
});
