import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "@skerry/base";
import { podLabels } from "./pod/runtime-names.ts";
import { EdgedWorld } from "./testing/edged-world.ts";

test("a deleted pod ends gracefully, reports its end, then that nothing is left", async () => {
  await using world = new EdgedWorld();
  world.runtime.programs.set("app", { ignoresStop: true });
  await world.start();
  await world.put("pod", world.pod("web", { volumes: [{ name: "v", emptyDir: { medium: "Memory" } }] }));
  await world.requestDeletion("web", 10);
  await world.pass(9000);
  assert.equal(world.runtime.running().length, 1);
  await world.pass(2000);
  assert.equal(world.runtime.running().length, 0);
  assert.equal(world.phase("web"), "Failed");
  const removal = world.cloud.received.find(({ route }) => route.operation === "delete");
  assert.equal(removal?.route.resource, "default/pod/web");
  assert.deepEqual(removal?.content, { gracePeriodSeconds: 0, preconditions: { uid: "uid-web" } });
  assert.deepEqual(
    world.files.paths().filter((path) => path.includes("uid-web")),
    [],
  );
  assert.deepEqual([...world.mounts.mounted], []);
  await world.remove("pod", "web");
  assert.deepEqual(await world.runtime.listSandboxes(), []);
  assert.deepEqual(
    world.meta.read((reader) => reader.all("SELECT * FROM edged_pod")),
    [],
  );
});

test("a grace period shortened while the pod ends takes effect at once", async () => {
  await using world = new EdgedWorld();
  world.runtime.programs.set("app", { ignoresStop: true });
  await world.start();
  await world.put("pod", world.pod("web"));
  await world.requestDeletion("web", 600);
  await world.pass(1000);
  assert.equal(world.runtime.running().length, 1);
  await world.requestDeletion("web", 1);
  await world.pass(2000);
  assert.equal(world.runtime.running().length, 0);
});

test("a deletion need not wait for an end that has begun for another reason and would take longer", async () => {
  await using world = new EdgedWorld();
  world.runtime.programs.set("app", { ignoresStop: true });
  world.network.unreachable.add("127.0.0.1:15000");
  await world.start();
  const livenessProbe = { tcpSocket: { host: "127.0.0.1", port: 15000 }, periodSeconds: 1, failureThreshold: 1 };
  const slow = { terminationGracePeriodSeconds: 600 };
  await world.put("pod", world.pod("late", { ...slow, activeDeadlineSeconds: 2 }));
  await world.put("pod", world.pod("sick", { ...slow, containers: [{ name: "app", image: "app:1", livenessProbe }] }));
  await world.pass(5000);
  assert.equal(world.runtime.actions.filter((action) => action.startsWith("stopContainer")).length, 2);
  assert.equal(world.runtime.running().length, 2);
  for (const name of ["late", "sick"]) await world.requestDeletion(name, 2);
  await world.pass(5000);
  assert.deepEqual(world.runtime.running(), []);
  const removed = world.cloud.received.filter(({ route }) => route.operation === "delete");
  assert.equal(removed.length, 2);
  assert.equal(world.cloud.podStatus("default", "late")?.["reason"], "DeadlineExceeded");
});

test("a pod that is being deleted is asked whether it still serves until it has ended, and nothing else", async () => {
  await using world = new EdgedWorld();
  world.runtime.programs.set("app", { ignoresStop: true });
  await world.start();
  const probe = (port: number): JsonObject => ({
    ...{ tcpSocket: { host: "127.0.0.1", port } },
    ...{ periodSeconds: 1, failureThreshold: 1 },
  });
  const [readinessProbe, livenessProbe] = [probe(15000), probe(16000)];
  const brief = { name: "brief", image: "app:1", readinessProbe: probe(17000) };
  const containers = [{ name: "app", image: "app:1", readinessProbe, livenessProbe }, brief];
  await world.put("pod", world.pod("web", { containers }));
  await world.pass(3000);
  assert.equal(world.condition("web", "Ready"), "True");
  await world.requestDeletion("web", 20);
  world.network.unreachable.add("127.0.0.1:16000");
  world.network.unreachable.add("127.0.0.1:17000");
  await world.pass(3000);
  const ready = (): unknown[] =>
    ((world.cloud.podStatus("default", "web")?.["containerStatuses"] ?? []) as JsonObject[]).map(
      (each) => each["ready"],
    );
  assert.deepEqual(ready(), [true, false]);
  assert.ok(!world.cloud.eventReasons("web").includes("Unhealthy"));
  world.network.unreachable.add("127.0.0.1:15000");
  await world.pass(3000);
  assert.deepEqual(ready(), [false, false]);
  assert.deepEqual([world.phase("web"), world.condition("web", "Ready")], ["Running", "False"]);
  assert.ok(world.cloud.eventReasons("web").includes("Unhealthy"));
  world.network.unreachable.clear();
  await world.pass(3000);
  assert.deepEqual(ready(), [true, false]);
  await world.pass(20_000);
  assert.equal(world.phase("web"), "Failed");
  const received = world.cloud.received.map(({ route }) => route).filter(({ resource }) => resource?.includes("pod"));
  assert.deepEqual(
    received.slice(-2).map(({ operation }) => operation),
    ["patch", "delete"],
  );
});

test("a pod that vanished from the store is ended, one of the same name runs on", async () => {
  await using world = new EdgedWorld();
  await world.start();
  await world.put("pod", world.pod("web"));
  await world.put("pod", world.pod("web", {}, "uid-2"));
  await world.pass(1000);
  assert.deepEqual(
    world.runtime.running().map(({ uid }) => uid),
    ["uid-2"],
  );
  assert.equal(world.phase("web"), "Running");
  await world.pass(60_000);
  const patches = world.cloud.received.filter(({ route }) => route.resource === "default/podpatch/web");
  assert.match(String(patches.at(-1)?.content), /"uid":"uid-2"/);
});

test("a pod deleted while it is offline ends when the link is back, and never runs again", async () => {
  await using world = new EdgedWorld();
  await world.start();
  await world.put("pod", world.pod("web"));
  world.cloud.setConnected(false);
  await world.pass(60_000);
  world.cloud.setConnected(true);
  await world.requestDeletion("web", 1);
  await world.remove("pod", "web");
  await world.restart();
  await world.pass(60_000);
  assert.deepEqual(world.runtime.running(), []);
});

test("containers of pods that nobody knows are left alone while the cloud is away", async () => {
  await using world = new EdgedWorld({ connected: false });
  const owner = new EdgedWorld();
  await owner.start();
  await owner.put("pod", owner.pod("stray"));
  const [stray] = await owner.runtime.listSandboxes();
  assert.ok(stray);
  await world.runtime.runSandbox({
    name: "stray",
    namespace: "default",
    uid: "uid-stray",
    attempt: 0,
    hostname: "stray",
    logDirectory: "/logs",
    portMappings: [],
    labels: stray.labels,
    annotations: {},
    hostNamespaces: { network: false, pid: false, ipc: false },
    privileged: false,
    user: { supplementalGroups: [], onlyTheseGroups: false },
    seLinux: undefined,
    runtimeHandler: "",
    seccomp: { kind: "unconfined" },
    sysctls: {},
  });
  await owner[Symbol.asyncDispose]();
  await world.start();
  await world.pass(10 * 60_000);
  assert.equal((await world.runtime.listSandboxes()).length, 1);
  world.cloud.setConnected(true);
  await world.pass(60_000);
  assert.equal((await world.runtime.listSandboxes()).length, 1);
  await world.pass(90_000);
  assert.deepEqual(await world.runtime.listSandboxes(), []);
});

test("no start is asked of the runtime once the pod's deletion is stored, however far the start had come", async () => {
  for (let removedAfterMs = 0; removedAfterMs <= 12_000; removedAfterMs += 400) {
    await using world = new EdgedWorld();
    world.runtime.delayMs = 1000;
    await world.start();
    await world.pass(10_000);
    const askedAtMs: number[] = [];
    const startContainer = world.runtime.startContainer.bind(world.runtime);
    world.runtime.startContainer = (id) => {
      askedAtMs.push(world.clock.monotonicMs());
      return startContainer(id);
    };
    await world.put("pod", world.pod("web"));
    for (let passedMs = 0; passedMs < removedAfterMs; passedMs += 100) await world.pass(100);
    const removedAtMs = world.clock.monotonicMs();
    await world.remove("pod", "web");
    for (let passedMs = 0; passedMs < 30_000; passedMs += 500) await world.pass(500);
    assert.ok(
      askedAtMs.every((askedMs) => askedMs <= removedAtMs),
      `removed after ${removedAfterMs} ms`,
    );
    assert.deepEqual(await listed(world), []);
  }
});

test("a pod that could not be ended while the runtime was away ends soon after it is back", async () => {
  await using world = new EdgedWorld();
  await world.start();
  await world.put("pod", world.pod("web", { terminationGracePeriodSeconds: 1 }));
  world.runtime.setAvailable(false);
  await world.requestDeletion("web", 1);
  await world.pass(120_000);
  world.runtime.setAvailable(true);
  await world.pass(15_000);
  assert.deepEqual(world.runtime.running(), []);
  assert.ok(
    world.cloud.received.some(({ route }) => route.operation === "delete" && route.resource === "default/pod/web"),
  );
});

test("containers of a pod nobody knows end after two minutes of link, whatever the wall clock says", async () => {
  await using world = new EdgedWorld();
  await world.runtime.runSandbox({
    name: "stray",
    namespace: "default",
    uid: "uid-stray",
    attempt: 0,
    hostname: "stray",
    logDirectory: "/edged/pod-logs/stray",
    portMappings: [],
    labels: podLabels({ name: "stray", namespace: "default", uid: "uid-stray" }, "edge-1"),
    annotations: {},
    hostNamespaces: { network: false, pid: false, ipc: false },
    privileged: false,
    user: { supplementalGroups: [], onlyTheseGroups: false },
    seLinux: undefined,
    runtimeHandler: "",
    seccomp: { kind: "unconfined" },
    sysctls: {},
  });
  await world.start();
  await world.pass(30_000);
  world.clock.jumpWallClock(3_600_000);
  await world.pass(30_000);
  assert.equal((await world.runtime.listSandboxes()).length, 1);
  world.clock.jumpWallClock(-7_200_000);
  await world.pass(120_000);
  assert.deepEqual(await world.runtime.listSandboxes(), []);
});

async function listed(world: EdgedWorld): Promise<unknown[]> {
  const containers = world.runtime.listContainers();
  await world.pass(1000);
  return containers;
}
