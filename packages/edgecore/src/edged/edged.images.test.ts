import assert from "node:assert/strict";
import { test } from "node:test";
import type { EdgedConfig } from "./config.ts";
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

/** A world whose pods named `<image>` pull an image of the same name, which waits until it is let through. */
async function pullingWorld(
  images: readonly string[],
  tellsBytes = true,
  config: Partial<EdgedConfig> = {},
): Promise<{ world: EdgedWorld; letThrough: () => void }> {
  const world = new EdgedWorld({ config });
  world.runtime.incoming = tellsBytes ? [] : undefined;
  const gate = Promise.withResolvers<void>();
  await world.start();
  for (const image of images) {
    world.runtime.pullable.add(`${image}:1`);
    world.runtime.slowPulls.set(`${image}:1`, gate.promise);
    await world.put("pod", world.pod(image, { containers: [{ name: "app", image: `${image}:1` }] }));
  }
  return { world, letThrough: () => gate.resolve() };
}

test("a pull that takes long has one Event that tells how far it is, ever more rarely, and none once it is over", async () => {
  const { world, letThrough } = await pullingWorld(["big"]);
  await using _ = world;
  const bytes = (receivedBytes: number) => [{ ref: "layer-1", receivedBytes, totalBytes: 120_000_000 }];
  world.runtime.incoming = bytes(1);
  await world.pass(9000);
  assert.deepEqual(world.cloud.eventsOf("big").length, 1);
  world.runtime.incoming = bytes(45_000_000);
  await world.pass(4000);
  world.runtime.incoming = bytes(60_000_000);
  await world.pass(107_000);
  const events = world.cloud.eventsOf("big").slice(1);
  assert.deepEqual(
    events.map(({ reason, message, count }) => [reason, message, count]),
    [
      ["Pulling", 'Pulling image "big:1" for 10s: 45.0 of 120.0 MB so far', 1],
      ["Pulling", 'Pulling image "big:1" for 20s: 60.0 of 120.0 MB so far', 2],
      ["Pulling", 'Pulling image "big:1" for 40s: 60.0 of 120.0 MB so far', 3],
      ["Pulling", 'Pulling image "big:1" for 80s: 60.0 of 120.0 MB so far', 4],
    ],
  );
  assert.equal(new Set(events.map(({ metadata }) => metadata.name)).size, 1);
  letThrough();
  await world.pass(300_000);
  assert.deepEqual(world.cloud.eventReasons("big").slice(5), ["Pulled", "Created", "Started"]);
});

test("where the runtime does not tell bytes, the Event says how long the pull takes", async () => {
  const { world } = await pullingWorld(["big"], false);
  await using _ = world;
  await world.pass(11_000);
  assert.equal(world.cloud.eventsOf("big").at(-1)?.message, 'Pulling image "big:1" for 10s');
});

test("five images are pulled at once; the others wait and say so, as long as anything arrives", async () => {
  const images = ["a", "b", "c", "d", "e", "f", "g"];
  const { world, letThrough } = await pullingWorld(images);
  await using _ = world;
  for (let look = 1; look <= 6; look++) {
    world.runtime.incoming = [{ ref: "layer", receivedBytes: look * 1e6, totalBytes: 1e8 }];
    await world.pass(10_000);
  }
  assert.deepEqual([...world.runtime.pulling], ["a:1", "b:1", "c:1", "d:1", "e:1"]);
  assert.equal(world.cloud.eventsOf("f").at(-1)?.message, 'Waiting to pull image "f:1": 5 others are being pulled');
  assert.match(
    world.cloud.eventsOf("a").at(-1)?.message ?? "",
    /^Pulling image "a:1" for 40s: .* of 100\.0 MB so far of the 5 images that are being pulled$/,
  );
  letThrough();
  await world.pass(1000);
  assert.equal(world.runtime.running().length, images.length);
});

test("images are pulled one after the other where the configuration says so", async () => {
  const { world, letThrough } = await pullingWorld(["a", "b"], true, { parallelImagePulls: 1 });
  await using _ = world;
  await world.pass(11_000);
  assert.deepEqual([...world.runtime.pulling], ["a:1"]);
  assert.equal(world.cloud.eventsOf("b").at(-1)?.message, 'Waiting to pull image "b:1": another one is being pulled');
  letThrough();
  await world.pass(5000);
  assert.equal(world.runtime.running().length, 2);
});

test("pulls that hang do not keep others from being pulled", async () => {
  const { world, letThrough } = await pullingWorld(["a", "b", "c", "d", "e"]);
  await using _ = world;
  world.runtime.pullable.add("small:1");
  await world.put("pod", world.pod("small", { containers: [{ name: "app", image: "small:1" }] }));
  await world.pass(20_000);
  assert.equal(world.phase("small"), "Pending");
  await world.pass(15_000);
  assert.equal(world.phase("small"), "Running");
  letThrough();
});

test("a pod that is deleted while its image waits to be pulled goes at once, and the wait leaves nothing behind", async () => {
  const { world, letThrough } = await pullingWorld(["a", "b", "c", "d", "e", "f"]);
  await using _ = world;
  await world.pass(1000);
  await world.requestDeletion("f", 0);
  await world.pass(1000);
  letThrough();
  await world.pass(1000);
  assert.equal(world.runtime.pulling.size, 0);
  assert.deepEqual(
    world.runtime.running().map(({ name }) => name),
    ["a/app", "b/app", "c/app", "d/app", "e/app"],
  );
});
