import assert from "node:assert/strict";
import { test } from "node:test";
import { EdgedWorld } from "./testing/edged-world.ts";

test("a present image satisfies Always when the node is offline, and an Event says so", async () => {
  await using world = new EdgedWorld({ connected: false });
  await world.start();
  await world.put(
    "pod",
    world.pod("web", { containers: [{ name: "app", image: "app:1", imagePullPolicy: "Always" }] }),
  );
  assert.equal(world.runtime.running().length, 1);
  world.cloud.setConnected(true);
  await world.pass(1000);
  assert.deepEqual(world.cloud.eventReasons("web"), ["PresentImageUsed", "Created", "Started"]);
});

test("a present image satisfies Always when the registry cannot be reached or fails", async () => {
  await using world = new EdgedWorld();
  world.network.unreachable.add("registry-1.docker.io:443");
  await world.start();
  const spec = { containers: [{ name: "app", image: "app:1", imagePullPolicy: "Always" as const }] };
  await world.put("pod", world.pod("one", spec));
  world.network.unreachable.clear();
  await world.pass(61_000);
  await world.put("pod", world.pod("two", spec));
  assert.deepEqual(
    world.runtime.running().map(({ name }) => name),
    ["one/app", "two/app"],
  );
  assert.deepEqual(world.cloud.eventReasons("two"), ["Pulling", "PresentImageUsed", "Created", "Started"]);
});

test("an image that is nowhere gives ErrImagePull, then ImagePullBackOff, and the pod runs once it is there", async () => {
  await using world = new EdgedWorld();
  await world.start();
  await world.put("pod", world.pod("web", { containers: [{ name: "app", image: "other:1" }] }));
  assert.match(JSON.stringify(world.containerStatus("web")["state"]), /"ErrImagePull"/);
  assert.equal(world.phase("web"), "Pending");
  await world.pass(11_000);
  assert.match(JSON.stringify(world.containerStatus("web")["state"]), /"ImagePullBackOff"/);
  world.runtime.pullable.add("other:1");
  await world.pass(25_000);
  assert.equal(world.phase("web"), "Running");
});

test("imagePullPolicy Never does not pull", async () => {
  await using world = new EdgedWorld();
  world.runtime.pullable.add("other:1");
  await world.start();
  await world.put(
    "pod",
    world.pod("web", { containers: [{ name: "app", image: "other:1", imagePullPolicy: "Never" }] }),
  );
  await world.pass(60_000);
  assert.match(JSON.stringify(world.containerStatus("web")["state"]), /"ErrImageNeverPull"/);
});
