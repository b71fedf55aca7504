import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubernetesObject, PodSpec, Volume } from "@skerry/api";
import type { JsonObject } from "@skerry/base";
import { EdgedWorld } from "./testing/edged-world.ts";

const claimed: Volume = { name: "data", persistentVolumeClaim: { claimName: "data" } };
const mounted: PodSpec["containers"] = [
  { name: "app", image: "app:1", volumeMounts: [{ name: "data", mountPath: "/data" }] },
];

/** What the cloud has of a claim and its volume. */
function bound(world: EdgedWorld, source: JsonObject, claim: JsonObject = {}, name = "data"): void {
  const object = (kind: string, more: JsonObject): KubernetesObject =>
    ({ apiVersion: "v1", kind, ...more }) as unknown as KubernetesObject;
  const metadata = { name, namespace: "default", uid: "claim-uid", ...claim };
  const spec = { volumeName: "disk" };
  const status = { phase: "Bound" };
  world.cloud.objects.set(
    `default/persistentvolumeclaim/${name}`,
    object("PersistentVolumeClaim", { metadata, spec, status }),
  );
  const claimRef = { namespace: "default", name, uid: "claim-uid" };
  world.cloud.objects.set(
    "null/persistentvolume/disk",
    object("PersistentVolume", { metadata: { name: "disk", uid: "volume-uid" }, spec: { claimRef, ...source } }),
  );
}

const hostPathOf = (world: EdgedWorld): string | undefined => {
  const id = world.runtime.running()[0]?.id ?? "";
  return world.runtime.configOf(id)?.mounts.find(({ containerPath }) => containerPath === "/data")?.hostPath;
};
const start = (world: EdgedWorld, volume: Volume = claimed, more: Partial<PodSpec> = {}): Promise<void> =>
  world.put("pod", world.pod("web", { containers: mounted, volumes: [volume], ...more }));

test("a pod has the folder of the volume that its claim is bound to, offline too once it had it", async () => {
  await using world = new EdgedWorld();
  await world.start();
  await world.files.makeDirectory("/disks/one", 0o755);
  bound(world, { local: { path: "/disks/one" } });
  await start(world, claimed, { securityContext: { fsGroup: 7 } });
  await world.pass(1000);
  assert.equal(hostPathOf(world), "/disks/one");
  assert.deepEqual(world.files.shared, [["/disks/one", 7]]);
  world.cloud.setConnected(false);
  world.runtime.losePower();
  await world.restart();
  await world.pass(30_000);
  assert.equal(hostPathOf(world), "/disks/one");
  assert.equal(world.files.shared.length, 1);
  world.cloud.setConnected(true);
  await world.requestDeletion("web", 1);
  await world.pass(5000);
  assert.equal((await world.files.status("/disks/one"))?.kind, "directory");
});

test("a pod waits for its claim to be bound, and starts when it is", async () => {
  await using world = new EdgedWorld();
  await world.start();
  await start(world, claimed, { securityContext: { fsGroup: 7 } });
  await world.pass(3000);
  assert.deepEqual(world.runtime.running(), []);
  assert.ok(world.cloud.eventReasons("web").includes("FailedMount"));
  bound(world, { hostPath: { path: "/disks/two", type: "DirectoryOrCreate" } });
  await world.pass(15_000);
  assert.equal(hostPathOf(world), "/disks/two");
  assert.deepEqual(world.files.shared, []);
});

test("volumes that are no folders of this machine, or another's, are refused", async () => {
  await using world = new EdgedWorld();
  await world.start();
  const refused: [source: JsonObject, claim: JsonObject][] = [
    [{ csi: { driver: "x" } }, {}],
    [{ local: { path: "/disks/none" } }, {}],
    [{ local: { path: "/disks/../etc" } }, {}],
    [{ hostPath: { path: "/disks/one" }, volumeMode: "Block" }, {}],
    [{ hostPath: { path: "/disks/one" }, claimRef: { uid: "other" } }, {}],
    [{ hostPath: { path: "/disks/one" } }, { deletionTimestamp: "2026-01-01T00:00:00Z" }],
  ];
  for (const [source, claim] of refused) {
    bound(world, source, claim);
    const before = world.cloud.eventReasons("web").length;
    await start(world);
    await world.pass(120_000);
    assert.deepEqual(world.runtime.running(), [], JSON.stringify(source));
    assert.ok(world.cloud.eventReasons("web").length > before, JSON.stringify(source));
  }
});

test("a claim that was made for a pod alone is taken by that pod only", async () => {
  await using world = new EdgedWorld();
  await world.start();
  const source = { hostPath: { path: "/disks/one" } };
  const volume: Volume = { name: "data", ephemeral: { volumeClaimTemplate: { spec: {} } } };
  const owner = { apiVersion: "v1", kind: "Pod", name: "web", uid: "uid-other", controller: true };
  bound(world, source, { ownerReferences: [owner] }, "web-data");
  await start(world, volume);
  await world.pass(5000);
  assert.deepEqual(world.runtime.running(), []);
  bound(world, source, { ownerReferences: [{ ...owner, uid: "uid-web" }] }, "web-data");
  await world.pass(15_000);
  assert.equal(hostPathOf(world), "/disks/one");
});

test("the folder of a provisioned volume is made with its first use, for whoever the container runs as", async () => {
  await using world = new EdgedWorld();
  await world.start();
  const path = "/var/lib/skerry/local-volumes/disk";
  bound(world, { hostPath: { path, type: "DirectoryOrCreate" } });
  const key = "null/persistentvolume/disk";
  const volume = world.cloud.objects.get(key);
  const annotations = { "pv.kubernetes.io/provisioned-by": "skerry.io/local-path" };
  if (volume) world.cloud.objects.set(key, { ...volume, metadata: { ...volume.metadata, annotations } });
  await start(world, claimed, { securityContext: { fsGroup: 7 } });
  await world.pass(1000);
  assert.equal(hostPathOf(world), path);
  assert.equal((await world.files.status(path))?.mode, 0o777);
  assert.equal((await world.files.status("/var/lib/skerry/local-volumes"))?.mode, 0o750);
  assert.deepEqual(world.files.shared, [[path, 7]]);
});
