import assert from "node:assert/strict";
import { test } from "node:test";
import type { EphemeralContainer, Pod } from "@skerry/api";
import type { JsonObject } from "@skerry/base";
import { EdgedWorld } from "./testing/edged-world.ts";

const debugger1: EphemeralContainer = { name: "look", image: "debug:1", targetContainerName: "app", stdin: true };

function withDebugger(world: EdgedWorld, added: readonly EphemeralContainer[] = [debugger1]): Pod {
  return world.pod("web", { ephemeralContainers: [...added] });
}

function running(world: EdgedWorld): string[] {
  return world.runtime.running().map(({ name }) => name);
}

/** The ephemeral container's state as it reached the cloud. */
function stateOf(world: EdgedWorld, name = "look"): JsonObject {
  const statuses = (world.cloud.podStatus("default", "web")?.["ephemeralContainerStatuses"] ?? []) as JsonObject[];
  return (statuses.find((status) => status["name"] === name)?.["state"] ?? {}) as JsonObject;
}

test("an ephemeral container joins a running pod and sees the processes of its target", async () => {
  await using world = new EdgedWorld();
  world.runtime.addImage("debug:1");
  await world.start();
  await world.put("pod", world.pod("web"));
  const [app] = world.runtime.running();
  await world.put("pod", withDebugger(world));
  assert.deepEqual(running(world), ["web/app", "web/look"]);
  const [, look] = world.runtime.running();
  const config = world.runtime.configOf(look?.id ?? "");
  assert.equal(config?.processNamespaceOf, app?.id);
  assert.equal(config?.stdin, true);
  assert.deepEqual(Object.keys(stateOf(world)), ["running"]);
  assert.equal(world.phase("web"), "Running");
  assert.equal(world.condition("web", "Ready"), "True");
});

test("an ephemeral container without a terminal has one input, so that its output is shown to who pipes something into it", async () => {
  await using world = new EdgedWorld();
  world.runtime.addImage("debug:1");
  await world.start();
  const terminal: EphemeralContainer = { name: "terminal", image: "debug:1", stdin: true, tty: true };
  await world.put("pod", withDebugger(world, [debugger1, terminal]));
  const once = world.runtime.running().map(({ id, name }) => [name, world.runtime.configOf(id)?.stdinOnce] as const);
  assert.deepEqual(Object.fromEntries(once), { "web/app": false, "web/look": true, "web/terminal": false });
});

test("an ephemeral container that ended, by itself or with the machine, is not started again", async () => {
  for (const end of ["exit", "power", "forgotten"] as const) {
    await using world = new EdgedWorld();
    world.runtime.addImage("debug:1");
    await world.start();
    await world.put("pod", world.pod("web"));
    await world.put("pod", withDebugger(world));
    const [, look] = world.runtime.running();
    assert.ok(look);
    if (end === "exit") world.runtime.endContainer(look.id, 3);
    else if (end === "power") world.runtime.losePower();
    else world.runtime.loseEverything();
    if (end !== "exit") await world.restart();
    await world.pass(60_000);
    assert.deepEqual(running(world), ["web/app"], end);
    assert.deepEqual(Object.keys(stateOf(world)), ["terminated"], end);
    const starts = world.runtime.actions.filter((action) => action === "startContainer web/look");
    assert.equal(starts.length, 1, end);
    assert.equal(world.condition("web", "Ready"), "True");
  }
});

test("an ephemeral container whose image or target is missing waits, says why, and harms nothing", async () => {
  await using world = new EdgedWorld();
  world.runtime.addImage("debug:1");
  await world.start();
  await world.put("pod", world.pod("web"));
  const absent = { name: "absent", image: "nowhere:1" };
  const aimless = { ...debugger1, targetContainerName: "nosuch" };
  await world.put("pod", withDebugger(world, [absent, aimless]));
  await world.pass(30_000);
  assert.deepEqual(running(world), ["web/app"]);
  assert.match(JSON.stringify(stateOf(world, "absent")), /ErrImagePull|ImagePullBackOff/);
  assert.match(JSON.stringify(stateOf(world)), /CreateContainerConfigError.*nosuch, which is not running/);
  const [app] = world.runtime.running();
  world.runtime.endContainer(app?.id ?? "", 1);
  await world.pass(1_000);
  assert.deepEqual(running(world), ["web/app"]);
});

test("an ephemeral container is taken over by the next EdgeCore and ends with its pod", async () => {
  await using world = new EdgedWorld();
  world.runtime.addImage("debug:1");
  await world.start();
  await world.put("pod", world.pod("web"));
  await world.put("pod", withDebugger(world));
  await world.restart();
  await world.pass(5_000);
  assert.deepEqual(running(world), ["web/app", "web/look"]);
  await world.requestDeletion("web", 1);
  await world.pass(5_000);
  assert.deepEqual(running(world), []);
});
