import assert from "node:assert/strict";
import { test } from "node:test";
import type { PodSpec } from "@skerry/api";
import type { JsonObject } from "@skerry/base";
import { EdgedWorld } from "./testing/edged-world.ts";

const SECOND = 1000;
const GROUPS = [
  { priority: 0, graceMs: 20 * SECOND },
  { priority: 2_000_000_000, graceMs: 10 * SECOND },
];

async function worldWith(...pods: readonly (readonly [name: string, spec?: Partial<PodSpec>])[]): Promise<EdgedWorld> {
  const world = new EdgedWorld({ config: { shutdownGroups: GROUPS } });
  await world.start();
  for (const [name, spec] of pods) await world.put("pod", world.pod(name, spec));
  return world;
}

const running = (world: EdgedWorld): string[] => world.runtime.running().map(({ name }) => name);

/** Starts the shutdown; returns whether it has come to its end so far. */
function beginShutdown(world: EdgedWorld): () => boolean {
  let isOver = false;
  void world.edged.shutDown().then(() => {
    isOver = true;
  });
  return () => isOver;
}

function nodeReady(world: EdgedWorld): JsonObject | undefined {
  const node = world.cloud.objects.get("null/node/edge-1") as unknown as { status: { conditions: JsonObject[] } };
  return node.status.conditions.find(({ type }) => type === "Ready");
}

test("before the machine goes down pods end, the critical ones last, and the cloud is told why", async () => {
  await using world = await worldWith(["web"], ["system", { priority: 2_000_000_000 }]);
  world.runtime.programs.set("web/app", { ignoresStop: true });
  const isOver = beginShutdown(world);
  await world.pass(19 * SECOND);
  assert.deepEqual(running(world), ["web/app", "system/app"]);
  assert.deepEqual([nodeReady(world)?.["status"], nodeReady(world)?.["message"]], ["False", "node is shutting down"]);
  await world.pass(2 * SECOND);
  assert.deepEqual(running(world), []);
  assert.ok(isOver());
  for (const name of ["web", "system"]) {
    const status = world.cloud.podStatus("default", name);
    assert.deepEqual(
      [status?.["reason"], status?.["message"], world.condition(name, "Ready")],
      ["Terminated", "Pod was terminated in response to imminent node shutdown.", "False"],
    );
    assert.ok(world.cloud.eventReasons(name).includes("Terminated"));
  }
});

test("a pod has its own grace period where that is shorter", async () => {
  await using world = await worldWith(["web", { terminationGracePeriodSeconds: 3 }]);
  world.runtime.programs.set("web/app", { ignoresStop: true });
  const isOver = beginShutdown(world);
  await world.pass(4 * SECOND);
  assert.deepEqual(running(world), []);
  assert.ok(isOver());
});

test("after it pods start again, also without the cloud, and nothing is said of the shutdown any more", async () => {
  await using world = await worldWith(["web"]);
  const isOver = beginShutdown(world);
  await world.pass(SECOND);
  assert.ok(isOver());
  world.cloud.setConnected(false);
  await world.restart();
  await world.pass(SECOND);
  assert.deepEqual(
    world.runtime.running().map(({ name, attempt }) => [name, attempt]),
    [["web/app", 1]],
  );
  world.cloud.setConnected(true);
  await world.pass(SECOND);
  assert.equal(world.phase("web"), "Running");
  assert.equal(world.cloud.podStatus("default", "web")?.["reason"], null);
  assert.equal(nodeReady(world)?.["status"], "True");
});

test("work that the shutdown broke off is begun anew, however its container ended; what was done stays done", async () => {
  const done = { name: "done", image: "app:1" };
  const spec: Partial<PodSpec> = { restartPolicy: "OnFailure", containers: [{ name: "app", image: "app:1" }, done] };
  await using world = await worldWith(["job", spec]);
  world.runtime.stoppedExitCode = 0;
  world.runtime.endContainer(world.runtime.running().find(({ name }) => name === "job/done")?.id ?? "", 0);
  await world.pass(5 * SECOND);
  const isOver = beginShutdown(world);
  await world.pass(SECOND);
  assert.ok(isOver());
  assert.equal(world.phase("job"), "Running");
  world.runtime.failNext("runSandbox");
  await world.restart();
  await world.restart(); // Before anything of it runs again: what the shutdown broke off is still known.
  await world.pass(SECOND);
  assert.deepEqual(running(world), ["job/app"]);
});

for (const [what, failing] of [
  ["its sandbox cannot be stopped", "stopSandbox"],
  ["its end cannot be read", "listContainers"],
] as const)
  test(`work that the shutdown broke off is begun anew, also when at first ${what}`, async () => {
    await using world = await worldWith(["job", { restartPolicy: "OnFailure" }]);
    world.runtime.stoppedExitCode = 0;
    const stopContainer = world.runtime.stopContainer.bind(world.runtime);
    world.runtime.stopContainer = (id, graceSeconds) => {
      world.runtime.failNext(failing);
      return stopContainer(id, graceSeconds);
    };
    const isOver = beginShutdown(world);
    await world.pass(5 * SECOND);
    assert.ok(isOver());
    assert.equal(world.phase("job"), "Running");
    await world.restart();
    await world.pass(SECOND);
    assert.deepEqual(running(world), ["job/app"]);
  });

for (const when of ["before", "during"] as const)
  test(`a pod whose deletion began ${when} the shutdown ends in the shutdown's time`, async () => {
    await using world = await worldWith(["web", { terminationGracePeriodSeconds: 300 }]);
    world.runtime.programs.set("web/app", { ignoresStop: true });
    if (when === "before") await world.requestDeletion("web", 300);
    await world.pass(SECOND);
    const isOver = beginShutdown(world);
    if (when === "during") await world.requestDeletion("web", 300);
    await world.pass(19 * SECOND);
    assert.deepEqual(running(world), ["web/app"]);
    await world.pass(SECOND);
    assert.deepEqual(running(world), []);
    assert.ok(isOver());
  });

test("a pod that is never started again has failed, as with the kubelet", async () => {
  await using world = await worldWith(["once", { restartPolicy: "Never" }]);
  world.runtime.stoppedExitCode = 0;
  const isOver = beginShutdown(world);
  await world.pass(SECOND);
  assert.ok(isOver());
  assert.equal(world.phase("once"), "Failed");
  assert.equal(world.cloud.podStatus("default", "once")?.["reason"], "Terminated");
  assert.equal(world.condition("once", "DisruptionTarget"), "True");
  await world.restart();
  await world.pass(60 * SECOND);
  assert.deepEqual(running(world), []);
});

test("what comes while the machine goes down starts afterwards; a runtime that hangs does not hold it up", async () => {
  await using world = await worldWith(["stuck"]);
  const stopContainer = world.runtime.stopContainer.bind(world.runtime);
  world.runtime.stopContainer = () => new Promise(() => {});
  const isOver = beginShutdown(world);
  await world.pass(SECOND);
  await world.put("pod", world.pod("late"));
  await world.pass(30 * SECOND);
  assert.ok(isOver());
  assert.deepEqual(running(world), ["stuck/app"]);
  world.runtime.stopContainer = stopContainer;
  await world.restart();
  await world.pass(5 * SECOND);
  assert.deepEqual(running(world), ["stuck/app", "late/app"]);
});

test("a shutdown that is cut short by a stop waits for nothing more and begins with no further pod", async () => {
  const world = await worldWith(["web"], ["system", { priority: 2_000_000_000 }]);
  world.runtime.programs.set("web/app", { ignoresStop: true });
  const isOver = beginShutdown(world);
  await world.pass(SECOND);
  await world[Symbol.asyncDispose]();
  assert.ok(isOver());
  assert.deepEqual(running(world), ["web/app", "system/app"]);
});

test("without times in the configuration pods are not ended", async () => {
  await using world = new EdgedWorld();
  await world.start();
  await world.put("pod", world.pod("web"));
  await world.edged.shutDown();
  await world.pass(60 * SECOND);
  assert.deepEqual(running(world), ["web/app"]);
});
