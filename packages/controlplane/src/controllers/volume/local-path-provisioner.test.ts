import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Event,
  events,
  LOCAL_PATH_PROVISIONER,
  type PersistentVolume,
  type PersistentVolumeClaim,
  persistentVolumeClaims,
  persistentVolumes,
  type StorageClass,
  storageClasses,
} from "@skerry/api";
import { type ControllerWorld, controllerWorld } from "../testing/controller-world.ts";
import { LocalPathProvisioner } from "./local-path-provisioner.ts";

const start = (): Promise<ControllerWorld> =>
  controllerWorld((ports, informers) => [new LocalPathProvisioner(ports, informers)]);

async function addClaim(
  world: ControllerWorld,
  provisioner: string,
  annotations: Record<string, string>,
  spec: Partial<PersistentVolumeClaim["spec"]> = {},
  volumeBindingMode = "WaitForFirstConsumer",
): Promise<PersistentVolumeClaim> {
  const metadata = { name: "local-path" };
  const storageClass = {
    apiVersion: "storage.k8s.io/v1",
    kind: "StorageClass",
    metadata,
    provisioner,
    volumeBindingMode,
  };
  await world.api.create({ resource: storageClasses }, storageClass as StorageClass);
  const claim = await world.api.create<PersistentVolumeClaim>(
    { resource: persistentVolumeClaims, namespace: "default" },
    {
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: { name: "data", annotations },
      spec: {
        accessModes: ["ReadWriteOnce"],
        resources: { requests: { storage: "1Gi" } },
        storageClassName: "local-path",
        ...spec,
      },
    },
  );
  await world.clock.settle();
  return claim;
}

const volumesOf = async (world: ControllerWorld): Promise<PersistentVolume[]> =>
  (await world.api.list<PersistentVolume>({ resource: persistentVolumes })).items;
const reasons = async (world: ControllerWorld): Promise<(string | undefined)[]> =>
  (await world.api.list<Event>({ resource: events })).items.map(({ reason }) => reason);
const chosen = { "volume.kubernetes.io/selected-node": "edge-1" };

test("a claim gets a folder of the node that was chosen for its pod, set aside for it and kept after it", async () => {
  await using world = await start();
  const { metadata } = await addClaim(world, LOCAL_PATH_PROVISIONER, chosen);
  const [volume, ...more] = await volumesOf(world);
  assert.deepEqual(more, []);
  assert.equal(volume?.spec.claimRef?.uid, metadata.uid);
  assert.deepEqual(volume?.spec.capacity, { storage: "1Gi" });
  assert.equal(volume?.spec.persistentVolumeReclaimPolicy, "Retain");
  assert.equal(volume?.spec.hostPath?.["path"], `/var/lib/skerry/local-volumes/pvc-${metadata.uid}`);
  assert.match(JSON.stringify(volume?.spec.nodeAffinity), /kubernetes\.io\/hostname.*edge-1/);
  assert.deepEqual(await reasons(world), ["ProvisioningSucceeded"]);
});

test("nothing is made for a claim whose pod has no node yet, for another provisioner's, or for one that is bound", async () => {
  for (const [provisioner, annotations, spec] of [
    [LOCAL_PATH_PROVISIONER, {}, {}],
    ["example.org/disks", chosen, {}],
    [LOCAL_PATH_PROVISIONER, chosen, { volumeName: "mine" }],
  ] as const) {
    await using world = await start();
    await addClaim(world, provisioner, annotations, spec);
    assert.deepEqual([await volumesOf(world), await reasons(world)], [[], []]);
  }
});

test("a class that does not wait for the pod, and a claim for a block device, are told to be wrong", async () => {
  await using immediate = await start();
  await addClaim(immediate, LOCAL_PATH_PROVISIONER, {}, {}, "Immediate");
  await using block = await start();
  await addClaim(block, LOCAL_PATH_PROVISIONER, chosen, { volumeMode: "Block" });
  for (const world of [immediate, block]) {
    assert.deepEqual(await volumesOf(world), []);
    assert.deepEqual(await reasons(world), ["ProvisioningFailed"]);
  }
});
