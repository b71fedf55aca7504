import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod } from "@skerry/api";
import { EdgedWorld } from "./testing/edged-world.ts";

const running = (world: EdgedWorld): string[] => world.runtime.running().map(({ name }) => name);

function held(world: EdgedWorld, name: string, value = "true"): Pod {
  const pod = world.pod(name);
  return { ...pod, metadata: { ...pod.metadata, annotations: { "edge.kubeedge.io/hold-upgrade": value } } };
}

test("a held pod waits, says so, and starts when it is released on the node; the others run", async () => {
  await using world = new EdgedWorld();
  await world.start();
  for (const name of ["one", "two"]) await world.put("pod", held(world, name));
  await world.put("pod", held(world, "free", "false"));
  await world.pass(120_000);
  assert.deepEqual(running(world), ["free/app"]);
  assert.equal(world.phase("one"), "Pending");
  assert.equal(world.condition("one", "HeldUpgrade"), "True");
  assert.equal(world.edged.releaseHeld({ namespace: "default", name: "absent" }), 0);
  assert.equal(world.edged.releaseHeld({ namespace: "default", name: "one" }), 1);
  await world.pass(1000);
  assert.deepEqual(running(world), ["free/app", "one/app"]);
  assert.equal(world.condition("one", "HeldUpgrade"), "False");
  assert.equal(world.edged.releaseHeld({ namespace: "default", name: "one" }), 0);
  assert.equal(world.edged.releaseHeld(), 1);
  await world.pass(1000);
  assert.equal(running(world).length, 3);
});

test("a pod that has started is not held by a restart; one that has not stays so, until its annotation goes", async () => {
  await using world = new EdgedWorld();
  await world.start();
  for (const name of ["started", "waits"]) await world.put("pod", held(world, name));
  world.edged.releaseHeld({ namespace: "default", name: "started" });
  await world.pass(1000);
  world.runtime.losePower();
  await world.restart();
  await world.pass(20_000);
  assert.deepEqual(running(world), ["started/app"]);
  await world.put("pod", world.pod("waits"));
  await world.pass(1000);
  assert.deepEqual(running(world), ["started/app", "waits/app"]);
});
