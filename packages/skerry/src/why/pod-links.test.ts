// Planted faults of pods: of each, `why` must name the first broken step.
import assert from "node:assert/strict";
import { test } from "node:test";
import { courseFaults } from "./testing/course-faults.ts";
import { running, unschedulable, waitingFor } from "./testing/pod-faults.ts";
import { startFaults } from "./testing/start-faults.ts";
import { assertBroken, at, NODE, World } from "./testing/world.ts";

test("a pod and a node that are as asked are whole", async () => {
  const world = await (await new World().node()).pod({ nodeName: NODE }, running);
  assert.equal((await world.whyPod()).state, "whole");
  assert.equal((await world.whyNode()).state, "whole");
});

for (const [fault, title, code, found, plant] of [...courseFaults, ...startFaults])
  test(`why names ${fault} as a pod's first broken step`, async () => {
    const world = await new World().node();
    await plant(world);
    assertBroken(await world.whyPod(), title, code, found);
  });

test("why names no node at all as a pod's first broken step", async () => {
  const world = await new World().pod({}, unschedulable("no nodes available to schedule pods"));
  assertBroken(await world.whyPod(), "has a node", "WHY_POD_NO_NODES", /no node at all/);
});

test("a pod of a moment ago is on its way, not broken; one that stays so is", async () => {
  const young = await (await new World().node()).pod(
    { nodeName: NODE },
    { ...waitingFor("ContainerCreating"), startTime: at(-3) },
  );
  const explanation = await young.whyPod();
  assert.equal(explanation.state, "waiting");
  const old = await (await new World().node()).pod({ nodeName: NODE }, waitingFor("ContainerCreating"));
  assertBroken(await old.whyPod(), "started", "WHY_POD_STARTING", /being made/);
  assert.equal((await old.whyPod()).state, "broken");
});

test("a pod whose image is being pulled waits, with how far it is; when the pull has ended that is no answer any more", async () => {
  const world = await (await new World().node()).pod({ nodeName: NODE }, waitingFor("ContainerCreating"));
  const text = 'Pulling image "app:1" for 40s: 45.0 of 120.0 MB so far';
  await world.event("Pulling", text);
  const explanation = await world.whyPod();
  assert.equal(explanation.state, "waiting");
  assertBroken(explanation, "started", "WHY_POD_PULLING", /45\.0 of 120\.0 MB so far/);
  await world.event("Pulled", "Successfully pulled image");
  assertBroken(await world.whyPod(), "started", "WHY_POD_STARTING", /being made/);
});

test("what is wrong with its node is a pod's first broken step, before what the pod last said", async () => {
  const world = await new World().node("Unknown", { heard: -300 });
  await world.pod({ nodeName: NODE }, waitingFor("ImagePullBackOff"));
  assertBroken(await world.whyPod(), "node", "WHY_NODE_OFFLINE", /^node edge-1: the cloud has not heard/);
});
