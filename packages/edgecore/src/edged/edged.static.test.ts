import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod } from "@skerry/api";
import { MIRROR_ANNOTATION } from "@skerry/api";
import { EdgedWorld } from "./testing/edged-world.ts";

const FOLDER = "/manifests";
const manifest = (image = "app:1"): string =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "pump" },
    spec: { containers: [{ name: "app", image }] },
  });

async function write(world: EdgedWorld, name: string, text: string): Promise<void> {
  await world.files.makeDirectory(FOLDER, 0o755);
  await world.files.writeFile(`${FOLDER}/${name}`, new TextEncoder().encode(text), 0o644);
}

const options = {
  manifests: { folder: FOLDER, checkPeriodMs: 20_000, parse: async (text: string) => JSON.parse(text) },
};
const running = (world: EdgedWorld): string[] => world.runtime.running().map(({ name }) => name);
/** What was asked for at the cloud. */
const sent = (world: EdgedWorld, route: string): number => world.cloud.routes().filter((each) => each === route).length;

test("a static pod runs without any cloud, keeps running over a restart, and ends when its file is gone", async () => {
  await using world = new EdgedWorld({ ...options, connected: false });
  await write(world, "pump.json", manifest());
  await world.start();
  assert.deepEqual(running(world), ["pump-edge-1/app"]);
  const [before] = world.runtime.running();
  await world.restart();
  await world.pass(60_000);
  assert.deepEqual(world.runtime.running()[0]?.id, before?.id);
  await world.files.remove(`${FOLDER}/pump.json`);
  await world.pass(25_000);
  assert.deepEqual(running(world), []);
});

test("a changed manifest is a new pod; one that cannot be read keeps the pod as it was", async () => {
  await using world = new EdgedWorld({ ...options, connected: false });
  world.runtime.addImage("app:2");
  await world.start();
  await write(world, "pump.json", manifest());
  await world.pass(21_000);
  const [first] = world.runtime.running();
  for (const broken of ["{", "[]", "{}", manifest("")]) {
    await write(world, "pump.json", broken);
    await world.pass(21_000);
    assert.deepEqual(world.runtime.running()[0]?.id, first?.id, broken);
  }
  await write(world, "pump.json", manifest("app:2"));
  await world.pass(30_000);
  assert.deepEqual(running(world), ["pump-edge-1/app"]);
  assert.notEqual(world.runtime.running()[0]?.uid, first?.uid);
});

test("files that are no pods are left out, whatever is in them", async () => {
  await using world = new EdgedWorld({ ...options, connected: false });
  await write(world, ".hidden.json", manifest());
  await write(world, "list.json", JSON.stringify({ apiVersion: "v1", kind: "List", items: [] }));
  await write(world, "escape.json", manifest().replace("pump", "../pump"));
  await write(world, "large.json", `${manifest()}${" ".repeat(300_000)}`);
  await world.start();
  await world.pass(25_000);
  assert.deepEqual(running(world), []);
});

test("a static pod is shown to the cloud by a mirror pod, which has its status and comes back when it is deleted", async () => {
  await using world = new EdgedWorld(options);
  await write(world, "pump.json", manifest());
  await world.start();
  await world.put("node", { apiVersion: "v1", kind: "Node", metadata: { name: "edge-1", uid: "node" } });
  await world.pass(2000);
  const insert = world.cloud.received.findLast(
    ({ route }) => route.operation === "insert" && route.resource === "default/pod/pump-edge-1",
  );
  const content = insert?.content as unknown as Pod;
  const uid = content.metadata.annotations?.[MIRROR_ANNOTATION] ?? "";
  assert.equal(world.runtime.running()[0]?.uid, uid);

  const mirror: Pod = { ...content, metadata: { ...content.metadata, uid: "mirror-1", resourceVersion: "900000" } };
  await world.put("pod", mirror);
  await world.pass(1000);
  assert.deepEqual(running(world), ["pump-edge-1/app"]);
  const patch = world.cloud.received.findLast(({ route }) => route.resource === "default/podpatch/pump-edge-1");
  assert.match(String(patch?.content), /"uid":"mirror-1".*"phase":"Running"/);

  const metadata = { ...mirror.metadata, deletionTimestamp: "2026-01-01T00:00:00Z", resourceVersion: "990000" };
  await world.put("pod", { ...mirror, metadata });
  await world.pass(1000);
  assert.ok(sent(world, "delete default/pod/pump-edge-1") > 0);
  const inserts = sent(world, "insert default/pod/pump-edge-1");
  await world.remove("pod", "pump-edge-1");
  await world.pass(1000);
  assert.equal(sent(world, "insert default/pod/pump-edge-1"), inserts + 1);
  assert.deepEqual(running(world), ["pump-edge-1/app"]);
});

test("a mirror pod whose static pod is gone is removed from the cloud", async () => {
  await using world = new EdgedWorld(options);
  await world.start();
  const annotations = { [MIRROR_ANNOTATION]: "0".repeat(32), "kubernetes.io/config.source": "file" };
  const stale = world.pod("old-edge-1");
  await world.put("pod", { ...stale, metadata: { ...stale.metadata, annotations } });
  await world.pass(1000);
  assert.equal(sent(world, "delete default/pod/old-edge-1"), 1);
  assert.deepEqual(running(world), []);
});
