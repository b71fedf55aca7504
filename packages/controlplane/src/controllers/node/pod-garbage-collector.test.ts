import assert from "node:assert/strict";
import { test } from "node:test";
import { type Pod, pods } from "@skerry/api";
import { controllerWorld } from "../testing/controller-world.ts";
import { ended, listPods, setPodStatus } from "../testing/pod-states.ts";
import { PodGarbageCollector } from "./pod-garbage-collector.ts";

test("of too many ended pods the oldest go, and none that runs", async () => {
  await using world = await controllerWorld((ports, informers) => [new PodGarbageCollector(ports, informers, 2)]);
  for (const name of ["running", "first", "second", "third", "fourth"]) {
    const pod: Pod = { apiVersion: "v1", kind: "Pod", metadata: { name }, spec: { containers: [] } };
    const created = await world.api.create({ resource: pods, namespace: "default" }, pod);
    if (name !== "running") await setPodStatus(world, created, ended(world, 0));
    await world.clock.advance(1_000);
  }
  const left = (await listPods(world)).map(({ metadata }) => metadata.name);
  assert.deepEqual(left, ["fourth", "running", "third"]);
});
