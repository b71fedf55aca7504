import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Event,
  events,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  type StorageClass,
  storageClasses,
} from "@skerry/api";
import { type ControllerWorld, controllerWorld } from "../testing/controller-world.ts";
import { VolumeController } from "./volume-controller.ts";

const at = { resource: persistentVolumeClaims, namespace: "default", name: "data" };

const start = (): Promise<ControllerWorld> =>
  controllerWorld((ports, informers) => [new VolumeController(ports, informers)]);

async function addVolume(
  world: ControllerWorld,
  name: string,
  spec: Partial<PersistentVolume["spec"]> = {},
): Promise<void> {
  const volume: PersistentVolume = {
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: { name, finalizers: ["kubernetes.io/pv-protection"] },
    spec: { capacity: { storage: "5Gi" }, accessModes: ["ReadWriteOnce"], ...spec },
  };
  await world.api.create({ resource: persistentVolumes }, volume);
  await world.clock.settle();
}

async function addClaim(world: ControllerWorld, spec: Partial<PersistentVolumeClaim["spec"]> = {}): Promise<void> {
  const claim: PersistentVolumeClaim = {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name: "data", finalizers: ["kubernetes.io/pvc-protection"] },
    spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } }, ...spec },
    status: { phase: "Pending" },
  };
  await world.api.create({ resource: persistentVolumeClaims, namespace: "default" }, claim);
  await world.clock.settle();
}

async function addClass(world: ControllerWorld, provisioner: string, volumeBindingMode: string): Promise<void> {
  const storageClass = {
    apiVersion: "storage.k8s.io/v1",
    kind: "StorageClass",
    metadata: { name: "disks" },
    provisioner,
    volumeBindingMode,
  } as StorageClass;
  await world.api.create({ resource: storageClasses }, storageClass);
  await world.clock.settle();
}

/** A pod that uses the claim. */
async function addPod(world: ControllerWorld, spec: Partial<Pod["spec"]>): Promise<void> {
  const volumes = [{ name: "v", persistentVolumeClaim: { claimName: "data" } }];
  const pod: Pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "p" },
    spec: { containers: [], volumes, ...spec },
  };
  await world.api.create({ resource: pods, namespace: "default" }, pod);
}

const claimOf = (world: ControllerWorld): Promise<PersistentVolumeClaim> => world.api.get<PersistentVolumeClaim>(at);
const phaseOf = async (world: ControllerWorld, name: string): Promise<string | undefined> =>
  (await world.api.get<PersistentVolume>({ resource: persistentVolumes, name })).status?.phase;
const reasons = async (world: ControllerWorld): Promise<(string | undefined)[]> =>
  (await world.api.list<Event>({ resource: events })).items.map(({ reason }) => reason);

test("a claim gets the smallest volume that fits, and both say so", async () => {
  await using world = await start();
  await addVolume(world, "large", { capacity: { storage: "9Gi" } });
  await addVolume(world, "small", { capacity: { storage: "2Gi" } });
  await addVolume(world, "tiny", { capacity: { storage: "100Mi" } });
  await addVolume(world, "other", { capacity: { storage: "1Gi" }, accessModes: ["ReadOnlyMany"] });
  assert.equal(await phaseOf(world, "small"), "Available");
  await addClaim(world);
  const { spec, status, metadata } = await claimOf(world);
  assert.equal(spec.volumeName, "small");
  assert.deepEqual(status, { phase: "Bound", accessModes: ["ReadWriteOnce"], capacity: { storage: "2Gi" } });
  assert.equal(metadata.annotations?.["pv.kubernetes.io/bind-completed"], "yes");
  assert.equal(await phaseOf(world, "small"), "Bound");
  assert.equal(await phaseOf(world, "large"), "Available");
});

test("a volume that was set aside for a claim waits for it, and no other gets it", async () => {
  await using world = await start();
  await addVolume(world, "kept", { claimRef: { namespace: "default", name: "other" } });
  await addVolume(world, "mine", { capacity: { storage: "50Gi" }, claimRef: { namespace: "default", name: "data" } });
  await addVolume(world, "any", {});
  await addClaim(world);
  assert.equal((await claimOf(world)).spec.volumeName, "mine");
  assert.equal(await phaseOf(world, "kept"), "Available");
});

test("a claim that waits for its pod is bound when the scheduler has set a volume aside", async () => {
  await using world = await start();
  await addClass(world, "kubernetes.io/no-provisioner", "WaitForFirstConsumer");
  await addVolume(world, "disk", { storageClassName: "disks" });
  await addClaim(world, { storageClassName: "disks" });
  assert.equal((await claimOf(world)).spec.volumeName, undefined);
  assert.deepEqual(await reasons(world), ["WaitForFirstConsumer"]);
  const claimRef = { namespace: "default", name: "data", uid: (await claimOf(world)).metadata.uid ?? "" };
  await world.api.patch({ resource: persistentVolumes, name: "disk" }, { type: "merge", body: { spec: { claimRef } } });
  await world.clock.settle();
  assert.equal((await claimOf(world)).status?.phase, "Bound");
  assert.equal(await phaseOf(world, "disk"), "Bound");
});

test("where a provisioner makes volumes, the claim names it and gets the volume that it made", async () => {
  await using world = await start();
  await addClass(world, "example.org/disks", "Immediate");
  await addClaim(world, { storageClassName: "disks" });
  const { metadata } = await claimOf(world);
  assert.equal(metadata.annotations?.["volume.kubernetes.io/storage-provisioner"], "example.org/disks");
  assert.deepEqual(await reasons(world), ["ExternalProvisioning"]);
  const claimRef = { namespace: "default", name: "data", uid: metadata.uid ?? "" };
  await addVolume(world, "made", { storageClassName: "disks", claimRef });
  assert.equal((await claimOf(world)).status?.phase, "Bound");
});

test("a claim without a volume says what it lacks", async () => {
  await using world = await start();
  await addClaim(world);
  await using other = await start();
  await addClaim(other, { storageClassName: "nowhere" });
  assert.deepEqual([await reasons(world), await reasons(other)], [["FailedBinding"], ["ProvisioningFailed"]]);
});

test("a volume whose claim is gone is released and given to nobody; a claim whose volume is gone is lost", async () => {
  await using world = await start();
  await addVolume(world, "disk");
  await addClaim(world);
  await world.api.delete(at);
  await world.clock.settle();
  assert.equal(await phaseOf(world, "disk"), "Released");
  await addClaim(world);
  assert.equal((await claimOf(world)).spec.volumeName, undefined);
  await using other = await start();
  await addVolume(other, "disk", {});
  await addClaim(other);
  const body = { metadata: { finalizers: [] } };
  await other.api.patch({ resource: persistentVolumes, name: "disk" }, { type: "merge", body });
  await other.api.delete({ resource: persistentVolumes, name: "disk" });
  await other.clock.settle();
  assert.equal((await claimOf(other)).status?.phase, "Lost");
  assert.ok((await reasons(other)).includes("ClaimLost"));
});

test("a claim that is deleted stays as long as a pod uses it, and its volume as long as the claim is there", async () => {
  await using world = await start();
  await addVolume(world, "disk");
  await addClaim(world);
  await addPod(world, { nodeName: "edge-1" });
  await world.api.delete(at);
  await world.api.delete({ resource: persistentVolumes, name: "disk" });
  await world.clock.settle();
  assert.notEqual((await claimOf(world)).metadata.deletionTimestamp, undefined);
  await world.api.delete({ resource: pods, namespace: "default", name: "p" }, { gracePeriodSeconds: 0 });
  await world.clock.settle();
  assert.deepEqual((await world.api.list({ resource: persistentVolumeClaims })).items, []);
  assert.deepEqual((await world.api.list({ resource: persistentVolumes })).items, []);
});

test("a claim that is deleted is not kept by a pod that has no node", async () => {
  await using world = await start();
  await addClaim(world);
  await addPod(world, {});
  await world.api.delete(at);
  await world.clock.settle();
  assert.deepEqual((await world.api.list({ resource: persistentVolumeClaims })).items, []);
});

test("a claim that is deleted stays when a pod uses it that the cache does not show yet", async () => {
  await using world = await start();
  await addClaim(world);
  world.api.holdWatches(pods);
  await addPod(world, { nodeName: "edge-1" });
  await world.api.delete(at);
  await world.clock.settle();
  assert.notEqual((await claimOf(world)).metadata.deletionTimestamp, undefined);
});
