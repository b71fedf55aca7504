import assert from "node:assert/strict";
import { test } from "node:test";
import type { Container, PodSpec } from "@skerry/api";
import { isSkerryError, type JsonObject } from "@skerry/base";
import { EdgedWorld } from "./testing/edged-world.ts";
import { FakeDevicePlugins } from "./testing/fake-device-plugins.ts";

const CAMERA = "example.com/camera";

class DeviceWorld extends EdgedWorld {
  readonly plugins: FakeDevicePlugins;

  constructor(plugins = new FakeDevicePlugins()) {
    super({ devicePlugins: plugins.ports });
    this.plugins = plugins;
  }

  /** A node with cameras `a`, `b` and `c`. */
  static async withCameras(...options: Parameters<FakeDevicePlugins["register"]>[1][]): Promise<DeviceWorld> {
    const world = new DeviceWorld();
    await world.start();
    await world.comeBack(...options);
    return world;
  }

  async comeBack(...[options]: Parameters<FakeDevicePlugins["register"]>[1][]): Promise<void> {
    await this.plugins.register("camera.sock", options);
    await this.tell({ a: "Healthy", b: "Healthy", c: "Healthy" });
  }

  async tell(health: Parameters<FakeDevicePlugins["tell"]>[1]): Promise<void> {
    await this.pass(0);
    this.plugins.tell("camera.sock", health);
    await this.pass(0);
  }

  /** Capacity and allocatable of the cameras on the Node. */
  amounts(): unknown[] {
    const node = this.cloud.objects.get("null/node/edge-1") as unknown as { status: Record<string, JsonObject> };
    return [node.status["capacity"]?.[CAMERA], node.status["allocatable"]?.[CAMERA]];
  }

  /** Cameras that each running container has, by its variable. */
  cameras(): Record<string, string | undefined> {
    return Object.fromEntries(
      this.runtime.running().map(({ name, id }) => [name, this.runtime.environmentOf(id).get("CAMERAS")]),
    );
  }
}

const wanting = (count: number, container: Partial<Container> = {}): Container => ({
  name: "app",
  image: "app:1",
  resources: { limits: { [CAMERA]: String(count) } },
  ...container,
});
const asking = (count: number, spec: Partial<PodSpec> = {}): Partial<PodSpec> => ({
  containers: [wanting(count)],
  ...spec,
});

test("a plugin's devices are on the Node, those that do not work are not allocatable", async () => {
  await using world = await DeviceWorld.withCameras();
  assert.deepEqual(world.amounts(), ["3", "3"]);
  await world.tell({ a: "Healthy", b: "Unhealthy" });
  assert.deepEqual(world.amounts(), ["2", "1"]);
});

test("a container gets what its plugin says: variables, mounts, devices, annotations, CDI names", async () => {
  await using world = await DeviceWorld.withCameras({
    answer: (devices) => ({
      envs: { CAMERAS: devices.join(), TZ: "from the plugin" },
      mounts: [{ containerPath: "/usr/lib/camera", hostPath: "/opt/camera", readOnly: true }],
      devices: devices.map((id) => ({ containerPath: `/dev/${id}`, hostPath: `/dev/video-${id}`, permissions: "rw" })),
      annotations: { "example.com/cameras": "yes" },
      cdiDevices: [{ name: "example.com/camera=a" }],
    }),
  });
  const env = [{ name: "TZ", value: "from the pod" }];
  await world.put("pod", world.pod("web", { containers: [wanting(2, { env })] }));
  const [running] = world.runtime.running();
  const config = world.runtime.configOf(running?.id ?? "");
  assert.deepEqual(
    config?.environment.filter(({ name }) => ["CAMERAS", "TZ"].includes(name)),
    [
      { name: "CAMERAS", value: "a,b" },
      { name: "TZ", value: "from the pod" },
    ],
  );
  assert.deepEqual(config?.devices, [
    { containerPath: "/dev/a", hostPath: "/dev/video-a", permissions: "rw" },
    { containerPath: "/dev/b", hostPath: "/dev/video-b", permissions: "rw" },
  ]);
  const mount = config?.mounts.find(({ containerPath }) => containerPath === "/usr/lib/camera");
  assert.deepEqual([mount?.hostPath, mount?.readOnly], ["/opt/camera", true]);
  assert.equal(config?.annotations["example.com/cameras"], "yes");
  assert.deepEqual(config?.cdiDevices, ["example.com/camera=a"]);
});

test("no device is given twice; who finds none waits, is told why, and gets the one that becomes free", async () => {
  await using world = await DeviceWorld.withCameras();
  await world.put("pod", world.pod("two", asking(2)));
  await world.put("pod", world.pod("one", asking(1)));
  await world.put("pod", world.pod("late", asking(1)));
  assert.deepEqual(world.cameras(), { "two/app": "a,b", "one/app": "c" });
  const waiting = (world.containerStatus("late")["state"] as JsonObject)["waiting"] as JsonObject;
  assert.equal(waiting["reason"], "CreateContainerConfigError");
  assert.match(String(waiting["message"]), /example\.com\/camera: 1 asked for, 0 of 3 are free and work/);
  await world.remove("pod", "one");
  await world.pass(10_000);
  assert.equal(world.cameras()["late/app"], "c");
});

test("a pod that is over holds nothing", async () => {
  await using world = await DeviceWorld.withCameras();
  await world.put("pod", world.pod("job", asking(3, { restartPolicy: "Never" })));
  world.runtime.endContainer(world.runtime.running()[0]?.id ?? "", 0);
  await world.pass(5000);
  assert.equal(world.phase("job"), "Succeeded");
  await world.put("pod", world.pod("next", asking(3)));
  assert.deepEqual(world.cameras(), { "next/app": "a,b,c" });
});

test("what init containers had, the containers after them have", async () => {
  await using world = await DeviceWorld.withCameras();
  world.runtime.programs.set("web/prepare", { endsAfterMs: 100 });
  await world.put("pod", world.pod("web", asking(3, { initContainers: [wanting(2, { name: "prepare" })] })));
  await world.pass(5000);
  assert.deepEqual(world.cameras(), { "web/app": "a,b,c" });
  assert.deepEqual(world.plugins.calls, ["Allocate a b", "Allocate a b c"]);
});

test("a container keeps its devices over restarts of itself, of EdgeCore and of the machine, offline and without the plugin", async () => {
  await using world = await DeviceWorld.withCameras();
  await world.put("pod", world.pod("first", asking(1)));
  await world.put("pod", world.pod("web", asking(1)));
  assert.equal(world.cameras()["web/app"], "b");
  await world.remove("pod", "first");
  world.cloud.setConnected(false);
  world.plugins.end("camera.sock");
  world.runtime.losePower();
  await world.restart();
  await world.pass(5000);
  assert.deepEqual(world.cameras(), { "web/app": "b" });
  await world.comeBack();
  world.runtime.endContainer(world.runtime.running()[0]?.id ?? "", 1);
  await world.pass(20_000);
  assert.deepEqual(world.cameras(), { "web/app": "b" });
  assert.deepEqual(world.plugins.calls, ["Allocate a", "Allocate b"]);
});

test("a device that stops working does not touch its container, but is waited for when that starts again", async () => {
  await using world = await DeviceWorld.withCameras();
  await world.put("pod", world.pod("web", asking(1)));
  const [before] = world.runtime.running();
  await world.tell({ a: "Unhealthy", b: "Healthy" });
  await world.pass(60_000);
  assert.deepEqual(world.runtime.running()[0], before);
  world.runtime.endContainer(before?.id ?? "", 1);
  await world.pass(60_000);
  assert.deepEqual(world.runtime.running(), []);
  await world.tell({ a: "Healthy", b: "Healthy" });
  await world.pass(1000);
  assert.deepEqual(world.cameras(), { "web/app": "a" });
});

test("when a plugin has gone nothing is allocatable, after five minutes there is nothing; its return brings all back", async () => {
  await using world = await DeviceWorld.withCameras();
  await world.put("pod", world.pod("web", asking(1)));
  const before = world.runtime.running();
  world.plugins.end("camera.sock");
  await world.pass(1000);
  assert.deepEqual(world.amounts(), ["3", "0"]);
  await world.put("pod", world.pod("late", asking(1)));
  await world.pass(5 * 60_000);
  assert.deepEqual(world.amounts(), ["0", "0"]);
  assert.deepEqual(world.runtime.running(), before);
  await world.comeBack();
  await world.pass(5000);
  assert.deepEqual(world.amounts(), ["3", "3"]);
  assert.deepEqual(world.cameras(), { "web/app": "a", "late/app": "b" });
});

test("after a restart plugins have a minute to come back before the Node says that nothing is there", async () => {
  await using world = await DeviceWorld.withCameras();
  await world.restart();
  await world.pass(30_000);
  assert.deepEqual(world.amounts(), ["3", "3"]);
  await world.pass(60_000);
  assert.deepEqual(world.amounts(), ["0", "0"]);
});

test("a plugin's preference counts as far as its devices are free", async () => {
  await using world = await DeviceWorld.withCameras({ prefers: ["c", "unknown"] });
  await world.put("pod", world.pod("web", asking(2)));
  assert.deepEqual(world.cameras(), { "web/app": "c,a" });
  assert.equal(world.plugins.calls[0], "Prefer 2 of a b c");
});

test("a plugin that wants to know of each start is told before it", async () => {
  await using world = await DeviceWorld.withCameras({ preStart: true });
  await world.put("pod", world.pod("web", asking(1)));
  world.runtime.endContainer(world.runtime.running()[0]?.id ?? "", 1);
  await world.pass(20_000);
  assert.deepEqual(world.plugins.calls, ["Allocate a", "PreStart a", "PreStart a"]);
});

test("what a pod asks for before its plugin registers it gets when the plugin does", async () => {
  await using world = new DeviceWorld();
  await world.start();
  await world.put("pod", world.pod("web", asking(1)));
  const waiting = (world.containerStatus("web")["state"] as JsonObject)["waiting"] as JsonObject;
  assert.match(String(waiting["message"]), /no device plugin offers it on this node/);
  await world.comeBack();
  assert.deepEqual(world.cameras(), { "web/app": "a" });
});

test("on a node without plugins nothing of them is loaded", async () => {
  await using world = new DeviceWorld();
  await world.start();
  await world.put("pod", world.pod("web"));
  await world.restart();
  assert.equal(world.plugins.loads, 0);
  await world.comeBack();
  assert.equal(world.plugins.loads, 1);
});

test("a plugin's answer that is too large is told, and nothing of it is kept", async () => {
  await using world = await DeviceWorld.withCameras({ answer: () => ({ envs: { CAMERAS: "x".repeat(300_000) } }) });
  await world.put("pod", world.pod("web", asking(1)));
  const waiting = (world.containerStatus("web")["state"] as JsonObject)["waiting"] as JsonObject;
  assert.match(String(waiting["message"]), /answered with more than 262144 bytes/);
  await world.comeBack();
  assert.deepEqual(world.cameras(), { "web/app": "a" });
});

test("a plugin that hangs holds up neither containers that have their devices nor the deletion of those that wait", async () => {
  await using world = await DeviceWorld.withCameras();
  await world.put("pod", world.pod("web", asking(1)));
  world.plugins.hanging.add("Allocate");
  await world.put("pod", world.pod("hanging", asking(1)));
  await world.put("pod", world.pod("waiting", asking(1)));
  assert.deepEqual(world.plugins.calls, ["Allocate a", "Allocate b"]);
  world.runtime.endContainer(world.runtime.running()[0]?.id ?? "", 1);
  await world.remove("pod", "waiting");
  await world.pass(20_000);
  assert.deepEqual(world.cameras(), { "web/app": "a" });
  const left = await world.runtime.listSandboxes({});
  assert.deepEqual(left.map(({ labels }) => labels["io.kubernetes.pod.name"]).sort(), ["hanging", "web"]);
});

test("a plugin that tells the same again wakes nobody", async () => {
  await using world = await DeviceWorld.withCameras();
  const status = world.runtime.status.bind(world.runtime);
  let looks = 0;
  world.runtime.status = () => {
    looks++;
    return status();
  };
  await world.tell({ c: "Healthy", b: "Healthy", a: "Healthy" });
  assert.equal(looks, 0);
  await world.tell({ c: "Healthy", b: "Unhealthy", a: "Healthy" });
  assert.notEqual(looks, 0);
});

test("a resource that no plugin offers any more is forgotten, unless a container has some of it", async () => {
  await using world = await DeviceWorld.withCameras();
  await world.put("pod", world.pod("web", asking(1)));
  world.plugins.end("camera.sock");
  await world.pass(6 * 60_000);
  world.runtime.losePower();
  await world.restart();
  await world.pass(5000);
  assert.equal(world.plugins.loads, 2);
  assert.deepEqual(world.cameras(), { "web/app": "a" });
  await world.remove("pod", "web");
  await world.pass(10_000);
  await world.restart();
  assert.equal(world.plugins.loads, 2);
});

test("a plugin that says of itself what cannot be is refused, and told what is wrong", async () => {
  await using world = new DeviceWorld();
  await world.start();
  const refused = (why: RegExp) => (error: unknown) =>
    isSkerryError(error, "EDGED_DEVICE_PLUGIN_REFUSED") && why.test(error.message);
  const { plugins } = world;
  await assert.rejects(plugins.register("camera.sock", {}, "v1alpha1"), refused(/version "v1alpha1"/));
  for (const endpoint of ["../escape.sock", "/etc/x", "", ".."])
    await assert.rejects(plugins.register(endpoint), refused(/endpoint/), endpoint);
  for (const resource of ["camera", "kubernetes.io/camera", "sub.kubernetes.io/x", "requests.example.com/x", "a/b/c"])
    await assert.rejects(plugins.register("camera.sock", { resource }), refused(/extended resource/), resource);
});

test("a node takes 64 resources at a time, and another when the plugin of one has gone for good", async () => {
  await using world = new DeviceWorld();
  await world.start();
  const { plugins } = world;
  for (let number = 0; number < 64; number++)
    await plugins.register(`${number}.sock`, { resource: `example.com/r${number}` });
  const isRefused = (error: unknown): boolean =>
    isSkerryError(error, "EDGED_DEVICE_PLUGIN_REFUSED") && /64 resources/.test(error.message);
  await assert.rejects(plugins.register("camera.sock"), isRefused);
  await world.pass(0);
  plugins.tell("7.sock", { seven: "Healthy" });
  plugins.end("7.sock");
  await world.pass(1000);
  await assert.rejects(plugins.register("camera.sock"), isRefused);
  await world.pass(5 * 60_000);
  await plugins.register("camera.sock");
});
