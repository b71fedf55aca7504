import assert from "node:assert/strict";
import { test } from "node:test";
import { nothingReserved, type PodSpec } from "@skerry/api";
import type { JsonObject } from "@skerry/base";
import { EdgedWorld } from "./testing/edged-world.ts";

const MIB = 2 ** 20;
const GIB = 2 ** 30;

const running = (world: EdgedWorld): string[] => world.runtime.running().map(({ name }) => name);

function setHost(world: EdgedWorld, change: Partial<EdgedWorld["host"]["pressureValue"]>): void {
  world.host.pressureValue = { ...world.host.pressureValue, ...change };
}

async function worldWith(...pods: readonly (readonly [name: string, spec?: Partial<PodSpec>])[]): Promise<EdgedWorld> {
  const world = new EdgedWorld();
  await world.start();
  for (const [name, spec] of pods) await world.put("pod", world.pod(name, spec));
  return world;
}

function nodeCondition(world: EdgedWorld, type: string): unknown {
  const node = world.cloud.objects.get("null/node/edge-1") as unknown as { status: { conditions: JsonObject[] } };
  return node.status.conditions.find((condition) => condition["type"] === type)?.["status"];
}

test("when memory is short, the pod that uses most beyond its request is evicted in the kubelet's words", async () => {
  const requests = (memory: string): Partial<PodSpec> => ({
    containers: [{ name: "app", image: "app:1", resources: { requests: { memory } } }],
  });
  await using world = await worldWith(["modest", requests("300Mi")], ["greedy", requests("100Mi")]);
  world.usage.memoryBytes.set("modest", 250 * MIB);
  world.usage.memoryBytes.set("greedy", 600 * MIB);
  setHost(world, { memoryAvailableBytes: 52 * MIB });
  await world.pass(10_000);
  assert.deepEqual(running(world), ["modest/app"]);
  const status = world.cloud.podStatus("default", "greedy");
  assert.equal(status?.["phase"], "Failed");
  assert.equal(status?.["reason"], "Evicted");
  assert.equal(
    status?.["message"],
    "The node was low on resource: memory. Threshold quantity: 100Mi, available: 52Mi. Container app was using 600Mi, request is 100Mi, has larger consumption of memory. ",
  );
  assert.equal(world.condition("greedy", "DisruptionTarget"), "True");
  assert.ok(world.cloud.eventReasons("greedy").includes("Evicted"));
  assert.equal(nodeCondition(world, "MemoryPressure"), "True");
  setHost(world, { memoryAvailableBytes: 512 * MIB });
  await world.pass(400_000);
  assert.equal(nodeCondition(world, "MemoryPressure"), "False");
  assert.deepEqual(running(world), ["modest/app"]);
});

test("an evicted pod leaves nothing on the disk, keeps its status over a restart, and goes when it is deleted", async () => {
  await using world = await worldWith(["greedy", { volumes: [{ name: "data", emptyDir: {} }] }]);
  world.usage.memoryBytes.set("greedy", 600 * MIB);
  setHost(world, { memoryAvailableBytes: 1 });
  await world.pass(10_000);
  setHost(world, { memoryAvailableBytes: 512 * MIB });
  assert.equal(world.phase("greedy"), "Failed");
  assert.deepEqual(await world.runtime.listSandboxes(), []);
  assert.deepEqual(
    world.files.paths().filter((path) => path.includes("uid-greedy")),
    [],
  );
  const told = JSON.stringify(world.cloud.podStatus("default", "greedy"));
  await world.restart();
  await world.pass(120_000);
  assert.deepEqual(running(world), []);
  assert.equal(JSON.stringify(world.cloud.podStatus("default", "greedy")), told);
  await world.requestDeletion("greedy", 0);
  await world.pass(1000);
  assert.ok(world.cloud.routes().includes("delete default/pod/greedy"));
});

test("one pod goes at a time, critical ones never", async () => {
  await using world = await worldWith(["first"], ["second"], ["system", { priority: 2_000_000_000 }]);
  for (const [name, mib] of Object.entries({ first: 300, second: 200, system: 900 }))
    world.usage.memoryBytes.set(name, mib * MIB);
  setHost(world, { memoryAvailableBytes: 1 });
  await world.pass(9000);
  assert.deepEqual(running(world), ["first/app", "second/app", "system/app"]);
  await world.pass(1000);
  assert.deepEqual(running(world), ["second/app", "system/app"]);
  await world.pass(60_000);
  assert.deepEqual(running(world), ["system/app"]);
});

test("when the disk is short, unused images and ended pods go first, and no pod if that is enough", async () => {
  await using world = await worldWith(["web"], ["job", { restartPolicy: "Never" }]);
  world.runtime.addImage("unused:1");
  world.runtime.addImage("pause:1", 1, true);
  world.runtime.endContainer(world.runtime.running().find(({ name }) => name === "job/app")?.id ?? "", 0);
  await world.pass(5000);
  assert.equal(world.phase("job"), "Succeeded");
  const removeImage = world.runtime.removeImage.bind(world.runtime);
  world.runtime.removeImage = async (id) => {
    await removeImage(id);
    setHost(world, { diskAvailableBytes: 8 * GIB });
  };
  setHost(world, { diskAvailableBytes: GIB });
  await world.pass(10_000);
  assert.deepEqual(
    world.runtime.actions.filter((action) => action.startsWith("removeImage")),
    ["removeImage sha256:unused:1"],
  );
  assert.deepEqual(running(world), ["web/app"]);
  assert.equal((await world.runtime.listSandboxes()).length, 1);
  await world.pass(60_000);
  assert.equal(world.phase("job"), "Succeeded");
});

test("when disk, inodes or process ids stay short, the pod that uses most of them goes", async () => {
  const gone: string[] = [];
  for (const short of [{ diskAvailableBytes: GIB }, { diskInodesFree: 10 }, { processIdsFree: 10 }]) {
    await using world = await worldWith(["small"], ["large", { volumes: [{ name: "data", emptyDir: {} }] }]);
    const volume = "/edged/pods/uid-large/volumes/kubernetes.io~empty-dir/data";
    for (let file = 0; file < 5; file++) await world.files.writeFile(`${volume}/${file}`, new Uint8Array(100), 0o600);
    for (const { name, id } of world.runtime.running()) world.host.processes.set(id, name === "large/app" ? 500 : 3);
    setHost(world, short);
    await world.pass(10_000);
    gone.push(...["small", "large"].filter((name) => world.phase(name) === "Failed"));
  }
  assert.deepEqual(gone, ["large", "large", "large"]);
});

test("a pod that exceeds its emptyDir's or its container's limit is evicted, whatever the node has left", async () => {
  const emptyDir: Partial<PodSpec> = { volumes: [{ name: "data", emptyDir: { sizeLimit: "1Ki" } }] };
  const limits: Partial<PodSpec> = {
    containers: [{ name: "app", image: "app:1", resources: { limits: { "ephemeral-storage": "1Mi" } } }],
  };
  await using world = await worldWith(["volume", emptyDir], ["layer", limits], ["within", { ...emptyDir, ...limits }]);
  const file = "/edged/pods/uid-volume/volumes/kubernetes.io~empty-dir/data/file";
  await world.files.writeFile(file, new Uint8Array(1025), 0o600);
  world.usage.diskBytes.set("layer", MIB + 1);
  world.usage.diskBytes.set("within", MIB - 1);
  await world.pass(20_000);
  assert.deepEqual(running(world), ["within/app"]);
  assert.equal(
    world.cloud.podStatus("default", "volume")?.["message"],
    'Usage of EmptyDir volume "data" exceeds the limit "1Ki". ',
  );
  assert.equal(
    world.cloud.podStatus("default", "layer")?.["message"],
    "Pod ephemeral local storage usage exceeds the total limit of containers 1Mi. ",
  );
});

test("a node that is short starts nothing new but what is critical, and what it knew after a restart", async () => {
  await using world = await worldWith(["known"]);
  setHost(world, { diskAvailableBytes: 1 });
  world.runtime.removeImage = async () => {};
  await world.pass(10_000);
  assert.equal(world.phase("known"), "Failed");
  await world.put("pod", world.pod("critical", { priority: 2_000_000_000 }));
  await world.put("pod", world.pod("new"));
  await world.pass(1000);
  assert.deepEqual(running(world), ["critical/app"]);
  assert.equal(
    world.cloud.podStatus("default", "new")?.["message"],
    "Pod was rejected: The node had condition: [DiskPressure]. ",
  );
  world.runtime.losePower();
  await world.restart();
  await world.pass(5000);
  assert.deepEqual(running(world), ["critical/app"]);
});

test("where memory is kept back for the system, what pods together use of the rest counts", async () => {
  await using world = new EdgedWorld({ config: { reserved: { ...nothingReserved, memoryBytes: 600 * MIB } } });
  await world.start();
  for (const name of ["small", "large"]) await world.put("pod", world.pod(name));
  world.usage.memoryBytes.set("small", 20 * MIB);
  world.usage.memoryBytes.set("large", 200 * MIB);
  await world.pass(20_000);
  assert.equal(running(world).length, 2);
  world.usage.memoryBytes.set("large", 310 * MIB);
  await world.pass(10_000);
  assert.deepEqual(running(world), ["small/app"]);
  assert.match(String(world.cloud.podStatus("default", "large")?.["message"]), /low on resource: memory\. Threshold/);
});

test("something on the disk that cannot be removed does not keep the rest there", async () => {
  await using world = await worldWith(["web"], ["job", { restartPolicy: "Never" }]);
  world.runtime.addImage("unused:1");
  world.runtime.endContainer(world.runtime.running().find(({ name }) => name === "job/app")?.id ?? "", 0);
  await world.pass(5000);
  world.runtime.removeContainer = async () => {
    throw new Error("stuck");
  };
  setHost(world, { diskAvailableBytes: GIB });
  await world.pass(10_000);
  assert.ok(world.runtime.actions.includes("removeImage sha256:unused:1"));
  assert.equal(world.phase("web"), "Failed");
});

test("a disk that stays short although nobody can go for it is not looked through every second", async () => {
  await using world = await worldWith(["system", { priority: 2_000_000_000 }]);
  let looks = 0;
  const listImages = world.runtime.listImages.bind(world.runtime);
  world.runtime.listImages = () => {
    looks++;
    return listImages();
  };
  setHost(world, { diskAvailableBytes: GIB });
  await world.pass(60_000);
  assert.ok(looks >= 5 && looks <= 7, `${looks} looks`);
  assert.deepEqual(running(world), ["system/app"]);
});

test("inodes evict no pod of which none are counted, and do not keep memory from its turn a second later", async () => {
  await using world = await worldWith(["web"]);
  setHost(world, { diskInodesFree: 10 });
  await world.pass(15_000);
  assert.deepEqual(running(world), ["web/app"]);
  world.usage.memoryBytes.set("web", 300 * MIB);
  setHost(world, { memoryAvailableBytes: 1 });
  await world.pass(3000);
  assert.deepEqual(running(world), []);
  assert.match(String(world.cloud.podStatus("default", "web")?.["message"]), /low on resource: memory/);
});

test("pods' own limits are looked after every ten seconds, also while the node is nearly short", async () => {
  await using world = await worldWith(["limited", { volumes: [{ name: "data", emptyDir: { sizeLimit: "1Ki" } }] }]);
  let looks = 0;
  const diskUse = world.files.diskUse.bind(world.files);
  world.files.diskUse = (path) => {
    looks++;
    return diskUse(path);
  };
  setHost(world, { memoryAvailableBytes: 150 * MIB });
  await world.pass(60_000);
  assert.ok(looks >= 5 && looks <= 7, `${looks} looks`);
});
