import assert from "node:assert/strict";
import { test } from "node:test";
import { EdgedWorld } from "../testing/edged-world.ts";
import { readPodRuntimeState } from "./pod-runtime-state.ts";

test("readPodRuntimeState() takes the container of the newest sandbox as the newest after the clock was set back", async () => {
  await using world = new EdgedWorld();
  const { runtime, clock } = world;
  await world.start();
  await world.put("pod", world.pod("web"));
  const [first] = runtime.running();
  assert.ok(first);
  const config = runtime.configOf(first.id);
  const sandbox = runtime.sandboxConfigOf(first.id);
  assert.ok(config && sandbox);
  runtime.losePower();
  clock.jumpWallClock(-3_600_000);
  const sandboxId = await runtime.runSandbox({ ...sandbox, attempt: sandbox.attempt + 1 });
  const id = await runtime.createContainer(sandboxId, config, sandbox);
  await runtime.startContainer(id);
  const state = await readPodRuntimeState(runtime, first.uid, new Map(), new Map());
  assert.deepEqual(
    state.containers.get("app")?.map((container) => container.id),
    [id, first.id],
  );
});
