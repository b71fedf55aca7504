import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Node,
  nodes,
  type Pod,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  volumeAttachments,
} from "@skerry/api";
import type { JsonValue } from "@skerry/base";
import { errorStatusOf, objectOf } from "@skerry/link";
import { CloudWorld } from "../testing/cloud-world.ts";

function nameIn(replies: readonly { content: JsonValue }[]): string | undefined {
  assert.equal(replies.length, 1);
  return objectOf(replies[0]?.content ?? null)?.metadata.name;
}

test("a node is queried and updated, and the whole status of an EdgeCore before v1.9 is taken (U5, U7, U8)", async () => {
  await using world = await new CloudWorld().start();
  const registered = await world.ask("edge-1", "insert", "default/nodestatus/edge-1", { metadata: { name: "edge-1" } });
  assert.deepEqual(registered[0]?.content, "OK");
  const status = { phase: "Running" };
  const [updated] = await world.ask("edge-1", "update", "default/nodestatus/edge-1", { UID: "", Status: status });
  assert.deepEqual(updated?.content, "OK");
  await world.ask("edge-1", "update", "null/node/edge-1", { metadata: { name: "edge-1", labels: { rack: "7" } } });
  const [node] = await world.stored<Node>(nodes);
  assert.deepEqual([node?.status, node?.metadata.labels], [status, { rack: "7" }]);
  assert.equal(nameIn(await world.ask("edge-1", "query", "null/node/edge-1")), "edge-1");
});

test("pods' status comes one by one or as a list, a pod that is gone does not keep the others back (U10)", async () => {
  await using world = await new CloudWorld().start();
  const first = await world.createPod("first", { nodeName: "edge-1" });
  await world.createPod("second", { nodeName: "edge-1" });
  const report = (name: string, phase: string, UID?: string): JsonValue => ({
    Name: name,
    ...(UID ? { UID } : {}),
    Status: { phase },
  });
  const list = [report("gone", "Running"), report("first", "Running", first.metadata.uid), report("second", "Pending")];
  assert.deepEqual((await world.ask("edge-1", "update", "plant/podstatus", list))[0]?.content, "OK");
  const one = report("second", "Running");
  assert.deepEqual((await world.ask("edge-1", "update", "plant/podstatus/second", one))[0]?.content, "OK");
  const stored = await world.stored<Pod>(pods);
  assert.deepEqual(
    stored.map(({ metadata, status }) => [metadata.name, status?.phase]),
    [
      ["first", "Running"],
      ["second", "Running"],
    ],
  );
});

test("an attachment of a volume is answered to the node that it is for, to no other (U16)", async () => {
  await using world = await new CloudWorld().start();
  await world.create(volumeAttachments, { metadata: { name: "csi-1" }, spec: { nodeName: "edge-1", attacher: "csi" } });
  assert.equal(nameIn(await world.ask("edge-1", "query", "default/volumeattachment/csi-1")), "csi-1");
  const reason = async (node: string, name: string) =>
    errorStatusOf((await world.ask(node, "query", `default/volumeattachment/${name}`))[0]?.content ?? null)?.reason;
  assert.equal(await reason("edge-2", "csi-1"), "Forbidden");
  assert.equal(await reason("edge-1", "csi-2"), "NotFound");
});

test("a claim is answered as it is, and after it the volume that it is bound to (U14, U15)", async () => {
  await using world = await new CloudWorld().start();
  const volumes = [{ name: "v", persistentVolumeClaim: { claimName: "data" } }];
  await world.createPod("db", { nodeName: "edge-1", volumes });
  const metadata = { name: "data", namespace: "plant" };
  await world.create(persistentVolumeClaims, { metadata, spec: { volumeName: "disk" } });
  await world.create(persistentVolumes, { metadata: { name: "disk" }, spec: {} });
  const { nodeObjects } = world.controllers;
  assert.equal(nodeObjects.mayReadPersistentVolumeClaim("edge-1", metadata), true);
  assert.equal(nodeObjects.mayReadPersistentVolumeClaim("edge-2", metadata), false);
  assert.equal(nodeObjects.mayReadPersistentVolume("edge-1", "disk"), false);
  assert.equal(nameIn(await world.ask("edge-1", "query", "plant/persistentvolumeclaim/data")), "data");
  assert.equal(nodeObjects.mayReadPersistentVolume("edge-1", "disk"), true);
  assert.equal(nodeObjects.mayReadPersistentVolume("edge-2", "disk"), false);
  assert.equal(nameIn(await world.ask("edge-1", "query", "null/persistentvolume/disk")), "disk");
  const [missing] = await world.ask("edge-1", "query", "plant/persistentvolumeclaim/none");
  assert.equal(errorStatusOf(missing?.content ?? null)?.reason, "NotFound");
});
