import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLogger } from "@skerry/base";
import { ManualClock, SeededRandom } from "@skerry/base/testing";
import { MemoryKubernetesApi } from "@skerry/kube/testing";
import { acknowledgementOf, newMessage } from "@skerry/link";
import { CloudHub } from "./cloud-hub.ts";
import { NodeMemories } from "./node-memory.ts";
import { ScriptedListener } from "./testing/scripted-edge.ts";

const clock = new ManualClock(1_000_000);
const random = new SeededRandom(1);
const handler = { handle: (): Promise<void> => Promise.resolve() };
const everything = {
  ownsPod: () => true,
  mayReadConfigMap: () => true,
  mayReadSecret: () => true,
  mayUseServiceAccount: () => true,
  mayReadPersistentVolumeClaim: () => true,
  mayReadPersistentVolume: () => true,
  ownsDevice: () => true,
};

test("a trace has the link's state and what crossed it, over the sessions of the node", async () => {
  const listener = new ScriptedListener();
  await using hub = new CloudHub({
    listen: listener.listen,
    api: new MemoryKubernetesApi(),
    clock,
    random,
    logger: silentLogger,
  });
  await hub.start({ edgeController: handler, deviceController: handler }, everything);
  assert.deepEqual(hub.trace("edge-1").link, { state: "not-seen" });

  const startedMs = clock.now();
  const edge = listener.connect("edge-1");
  const route = { source: "edgecontroller", group: "resource", operation: "update", resource: "default/pod/web" };
  const update = newMessage(
    { clock, random },
    route,
    { metadata: { name: "web", uid: "u" } },
    { resourceVersion: "7" },
  );
  hub.deliver("edge-1", update);
  edge.send(acknowledgementOf({ clock, random }, update));
  edge.alive();
  const { link, traffic } = hub.trace("edge-1");
  assert.ok(link.state === "connected");
  assert.equal(link.sinceMs, startedMs);
  assert.equal(link.counters.delivered, 1);
  assert.deepEqual(traffic.rows.map(({ direction, kind, messages }) => `${direction} ${kind} ${messages}`).sort(), [
    "down pod 1",
    "up acknowledgement 1",
    "up ping 1",
  ]);

  edge.break("cable pulled");
  await clock.advance(60_000);
  assert.deepEqual(hub.trace("edge-1").link, { state: "offline", sinceMs: startedMs, reason: "cable pulled" });
  listener.connect("edge-1").send(acknowledgementOf({ clock, random }, update));
  assert.equal(hub.trace("edge-1").traffic.rows.find(({ kind }) => kind === "acknowledgement")?.messages, 2);
});

test("nodes beyond the limit are forgotten, those first that connected longest ago", () => {
  const memories = new NodeMemories(2);
  const first = memories.connected("a", 0);
  memories.connected("b", 1);
  assert.equal(memories.connected("a", 2), first);
  memories.connected("c", 3);
  assert.equal(memories.get("a"), first);
  assert.equal(memories.get("b"), undefined);
  assert.equal(memories.forgottenCount, 1);
});
