import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { EdgedWorld } from "./testing/edged-world.ts";
import { FakeContainerEvents } from "./testing/fake-container-events.ts";

/** Of Edged's defaults. */
const PERIOD_MS = 1000;
const PERIOD_WITH_EVENTS_MS = 20_000;
/** Longer than events that come together are waited for, much shorter than any period. */
const AT_ONCE_MS = 250;

/** A world whose runtime has events, with a running pod that is not restarted. */
async function worldWithEvents(): Promise<{ readonly world: EdgedWorld; readonly events: FakeContainerEvents }> {
  const world = new EdgedWorld();
  const events = new FakeContainerEvents(world.clock);
  world.runtime.events = events;
  await world.start();
  await world.put("pod", world.pod("web", { restartPolicy: "Never" }));
  await world.pass(PERIOD_MS);
  assert.equal(world.phase("web"), "Running");
  return { world, events };
}

function endContainer({ runtime }: EdgedWorld): void {
  runtime.endContainer(runtime.running()[0]?.id ?? "", 0);
}

test("a container's end that the runtime tells is seen at once", async () => {
  const { world } = await worldWithEvents();
  await using _ = world;
  await world.pass(PERIOD_WITH_EVENTS_MS + 1);
  endContainer(world);
  await world.pass(AT_ONCE_MS);
  assert.equal(world.phase("web"), "Succeeded");
});

test("an event that is lost is made good by the next listing, and after that containers are listed as without events", async () => {
  const { world, events } = await worldWithEvents();
  await using _ = world;
  await world.put("pod", world.pod("other", { restartPolicy: "Never" }));
  await world.pass(AT_ONCE_MS);
  events.fate = () => [];
  endContainer(world);
  await world.pass(PERIOD_WITH_EVENTS_MS / 2);
  assert.equal(world.phase("web"), "Running");
  await world.pass(PERIOD_WITH_EVENTS_MS / 2);
  assert.equal(world.phase("web"), "Succeeded");
  endContainer(world);
  await world.pass(PERIOD_MS + 1);
  assert.equal(world.phase("other"), "Succeeded");
});

test("a runtime that takes long to list has its rest between two listings, however many events it tells", async () => {
  const { world, events } = await worldWithEvents();
  await using _ = world;
  await world.pass(PERIOD_WITH_EVENTS_MS);
  const { runtime, clock } = world;
  runtime.delayMs = 300;
  const listings: { readonly beganMs: number; readonly endedMs: number }[] = [];
  const list = runtime.listContainers.bind(runtime);
  runtime.listContainers = async (filter) => {
    const beganMs = clock.monotonicMs();
    const listed = await list(filter);
    if (filter === undefined) listings.push({ beganMs, endedMs: clock.monotonicMs() });
    return listed;
  };
  for (let count = 0; count < 100; count++) {
    events.tell();
    await world.pass(50);
  }
  const rests = listings.slice(1).map(({ beganMs }, index) => beganMs - (listings[index]?.endedMs ?? 0));
  assert.ok(rests.length >= 8, `${rests.length} listings`);
  assert.deepEqual(
    rests.filter((restMs) => restMs < 200),
    [],
  );
});

test("without events, and while their stream is broken, containers are listed each second; then events count again", async () => {
  const { world, events } = await worldWithEvents();
  await using _ = world;
  events.breakOff();
  world.runtime.events = undefined;
  await world.pass(PERIOD_MS);
  endContainer(world);
  await world.pass(PERIOD_MS + 1);
  assert.equal(world.phase("web"), "Succeeded");
  // The runtime is another version now.
  world.runtime.events = events;
  await world.pass(10 * 60_000);
  assert.equal(events.streamCount, 1);
  await world.put("pod", world.pod("next", { restartPolicy: "Never" }));
  await world.pass(PERIOD_WITH_EVENTS_MS);
  endContainer(world);
  await world.pass(AT_ONCE_MS);
  assert.equal(world.phase("next"), "Succeeded");
});

test("a runtime that is away is told when its stream breaks, and its events count again when it is back", async () => {
  const { world, events } = await worldWithEvents();
  await using _ = world;
  await world.pass(PERIOD_WITH_EVENTS_MS);
  world.runtime.setAvailable(false);
  await world.pass(AT_ONCE_MS);
  assert.equal(events.streamCount, 0);
  assert.match(JSON.stringify(world.cloud.objects.get("null/node/edge-1")), /container runtime is down/);
  world.runtime.setAvailable(true);
  await world.pass(90_000);
  assert.equal(events.streamCount, 1);
});

test("events that are late, lost, doubled or out of order leave nothing unnoticed for longer than a listing's period", async () => {
  const fate = fc.array(fc.integer({ min: 0, max: 30_000 }), { maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(fc.array(fate, { minLength: 1, maxLength: 8 }), fc.nat(25_000), async (fates, pauseMs) => {
      const { world, events } = await worldWithEvents();
      await using _ = world;
      let count = 0;
      events.fate = () => fates[count++ % fates.length] ?? [];
      for (const name of ["a", "b"]) await world.put("pod", world.pod(name, { restartPolicy: "Never" }));
      await world.pass(pauseMs);
      for (let left = 3; left > 0; left--) endContainer(world);
      await world.pass(PERIOD_WITH_EVENTS_MS + AT_ONCE_MS);
      assert.deepEqual(
        ["web", "a", "b"].map((name) => world.phase(name)),
        ["Succeeded", "Succeeded", "Succeeded"],
      );
    }),
    { numRuns: 20 },
  );
});
