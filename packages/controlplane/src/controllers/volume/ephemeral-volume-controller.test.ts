import assert from "node:assert/strict";
import { test } from "node:test";
import { type Event, events, type PersistentVolumeClaim, type Pod, persistentVolumeClaims, pods } from "@skerry/api";
import { type ControllerWorld, controllerWorld } from "../testing/controller-world.ts";
import { EphemeralVolumeController } from "./ephemeral-volume-controller.ts";

const start = (): Promise<ControllerWorld> =>
  controllerWorld((ports, informers) => [new EphemeralVolumeController(ports, informers)]);
const claims = { resource: persistentVolumeClaims, namespace: "default" };
const spec = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } };

async function addPod(world: ControllerWorld): Promise<Pod> {
  const volumeClaimTemplate = { metadata: { labels: { tier: "scratch" } }, spec };
  const pod = await world.api.create<Pod>(
    { resource: pods, namespace: "default" },
    {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "web" },
      spec: {
        containers: [{ name: "app", image: "app:1" }],
        volumes: [
          { name: "scratch", ephemeral: { volumeClaimTemplate } },
          { name: "other", emptyDir: {} },
        ],
      },
    },
  );
  await world.clock.settle();
  return pod;
}

const listed = async (world: ControllerWorld): Promise<PersistentVolumeClaim[]> =>
  (await world.api.list<PersistentVolumeClaim>(claims)).items;

test("a pod's ephemeral volume gets a claim of its own, which belongs to the pod, and again when it was deleted", async () => {
  await using world = await start();
  const pod = await addPod(world);
  const [claim, ...more] = await listed(world);
  assert.deepEqual(more, []);
  assert.deepEqual(
    [claim?.metadata.name, claim?.metadata.labels, claim?.spec],
    ["web-scratch", { tier: "scratch" }, spec],
  );
  const [owner] = claim?.metadata.ownerReferences ?? [];
  assert.deepEqual([owner?.kind, owner?.uid, owner?.controller], ["Pod", pod.metadata.uid, true]);
  await world.api.delete({ ...claims, name: "web-scratch" });
  await world.clock.settle();
  assert.equal((await listed(world)).length, 1);
});

test("a claim of that name that is somebody else's is left alone, and the pod is told; it has its own when that has gone", async () => {
  await using world = await start();
  const metadata = { name: "web-scratch" };
  await world.api.create(claims, {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata,
    spec,
  } as PersistentVolumeClaim);
  await addPod(world);
  const [claim] = await listed(world);
  assert.equal(claim?.metadata.ownerReferences, undefined);
  const told = (await world.api.list<Event>({ resource: events })).items;
  assert.deepEqual(
    told.map(({ reason, involvedObject }) => [reason, involvedObject.name]),
    [["ClaimCreationFailed", "web"]],
  );
  await world.api.delete({ ...claims, name: "web-scratch" });
  await world.clock.settle();
  const [own] = await listed(world);
  assert.equal(own?.metadata.ownerReferences?.[0]?.name, "web");
});
