import assert from "node:assert/strict";
import { test } from "node:test";
import type { NodeStatus } from "@skerry/api";
import type { SandboxConfig } from "./ports.ts";
import { EdgedWorld, type EdgedWorldOptions } from "./testing/edged-world.ts";

const USERS = 65_536;

/** An edge whose runtime has user namespaces. @param sandboxes to which each new one is added */
function worldWithUsers(sandboxes: SandboxConfig[], options?: EdgedWorldOptions): EdgedWorld {
  const world = new EdgedWorld(options);
  const handlers = [{ name: "", recursiveReadOnlyMounts: true, userNamespaces: true }];
  world.runtime.featuresValue = { onlyTheseGroups: true, handlers };
  world.runtime.onSandbox = (config) => void sandboxes.push(config);
  return world;
}

const firstUsers = (sandboxes: readonly SandboxConfig[]): unknown[] =>
  sandboxes.map(({ name, userRange }) => [name, userRange && [userRange.firstHostId, userRange.length]]);

test("pods with hostUsers: false have users of their own, keep them over a restart, and give them back", async () => {
  const sandboxes: SandboxConfig[] = [];
  await using world = worldWithUsers(sandboxes);
  await world.start();
  for (const name of ["one", "two"]) await world.put("pod", world.pod(name, { hostUsers: false }));
  await world.put("pod", world.pod("plain"));
  await world.pass(2000);
  assert.deepEqual(firstUsers(sandboxes.splice(0)).toSorted(), [
    ["one", [USERS, USERS]],
    ["plain", undefined],
    ["two", [2 * USERS, USERS]],
  ]);
  world.runtime.losePower();
  await world.restart();
  await world.pass(60_000);
  assert.deepEqual(firstUsers(sandboxes.splice(0)).toSorted(), [
    ["one", [USERS, USERS]],
    ["plain", undefined],
    ["two", [2 * USERS, USERS]],
  ]);
  await world.requestDeletion("one", 0);
  await world.pass(10_000);
  await world.put("pod", world.pod("three", { hostUsers: false }));
  await world.pass(2000);
  assert.deepEqual(firstUsers(sandboxes), [["three", [USERS, USERS]]]);
});

test("a pod for which there are no users left says so, and starts when another has gone", async () => {
  const sandboxes: SandboxConfig[] = [];
  await using world = worldWithUsers(sandboxes, { config: { maxPods: 1 } });
  await world.start();
  await world.put("pod", world.pod("one", { hostUsers: false }));
  await world.pass(2000);
  // A critical pod: any other would find no room on the node.
  await world.put("pod", world.pod("two", { hostUsers: false, priority: 2_000_000_000 }));
  await world.pass(2000);
  assert.deepEqual(firstUsers(sandboxes), [["one", [USERS, USERS]]]);
  assert.match(JSON.stringify(world.cloud.received.map(({ content }) => content)), /The 1 pods with user namespaces/);
  assert.ok(world.cloud.eventReasons("two").includes("FailedCreatePodSandBox"));
  await world.requestDeletion("one", 0);
  await world.pass(60_000);
  assert.deepEqual(firstUsers(sandboxes), [
    ["one", [USERS, USERS]],
    ["two", [USERS, USERS]],
  ]);
});

test("pods that have ended keep no users, though they are not deleted, and neither does one that was made to end", async () => {
  const sandboxes: SandboxConfig[] = [];
  await using world = worldWithUsers(sandboxes, { config: { maxPods: 1 } });
  await world.start();
  const names = ["one", "two", "three"];
  for (const name of names) {
    const ends = name === "two" ? { activeDeadlineSeconds: 20 } : {};
    await world.put("pod", world.pod(name, { hostUsers: false, restartPolicy: "Never", ...ends }));
    await world.pass(2000);
    assert.equal(world.phase(name), "Running");
    if (name !== "two") world.runtime.endContainer(world.runtime.running()[0]?.id ?? "", 0);
    await world.pass(60_000);
  }
  assert.deepEqual(
    names.map((name) => world.phase(name)),
    ["Succeeded", "Failed", "Succeeded"],
  );
  assert.deepEqual(
    firstUsers(sandboxes),
    names.map((name) => [name, [USERS, USERS]]),
  );
});

test("the node tells what its runtime's handlers can", async () => {
  await using world = worldWithUsers([]);
  await world.start();
  await world.pass(60_000);
  const told = world.cloud.received.findLast(({ route }) => route.resource?.includes("/nodepatch/"));
  const { status } = JSON.parse(String(told?.content)) as { status: NodeStatus };
  assert.deepEqual(status.runtimeHandlers, [
    { name: "", features: { recursiveReadOnlyMounts: true, userNamespaces: true } },
  ]);
  assert.deepEqual(status.features, { supplementalGroupsPolicy: true });
});
