import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod } from "@skerry/api";
import { podLabels } from "./pod/runtime-names.ts";
import { EdgedWorld } from "./testing/edged-world.ts";

test("a pod from the cloud runs and its status reaches the cloud", async () => {
  await using world = new EdgedWorld();
  await world.start();
  await world.put("pod", world.pod("web"));
  assert.deepEqual(
    world.runtime.running().map(({ name }) => name),
    ["web/app"],
  );
  assert.equal(world.phase("web"), "Running");
  assert.equal(world.condition("web", "Ready"), "True");
  assert.deepEqual(world.cloud.eventReasons("web"), ["Pulled", "Created", "Started"]);
});

test("an ended container is restarted at once, then after 10 s, then after 20 s", async () => {
  await using world = new EdgedWorld();
  world.runtime.programs.set("app", { endsAfterMs: 100, exitCode: 1 });
  await world.start();
  await world.put("pod", world.pod("web"));
  const starts = (): number => world.runtime.actions.filter((action) => action === "startContainer web/app").length;
  assert.equal(starts(), 1);
  await world.pass(2000);
  assert.equal(starts(), 2);
  await world.pass(5000);
  assert.equal(starts(), 2);
  const waiting = world.containerStatus("web")["state"];
  assert.deepEqual(Object.keys(waiting ?? {}), ["waiting"]);
  assert.match(
    JSON.stringify(waiting),
    /CrashLoopBackOff.*back-off 10s restarting failed container=app pod=web_default/,
  );
  await world.pass(6000);
  assert.equal(starts(), 3);
  await world.pass(17_000);
  assert.equal(starts(), 3);
  await world.pass(3000);
  assert.equal(starts(), 4);
  assert.equal(world.containerStatus("web")["restartCount"], 3);
});

test("a pod with restartPolicy Never ends as its containers did and never starts again", async () => {
  await using world = new EdgedWorld();
  world.runtime.programs.set("good/app", { endsAfterMs: 100, exitCode: 0 });
  world.runtime.programs.set("bad/app", { endsAfterMs: 100, exitCode: 3 });
  await world.start();
  await world.put("pod", world.pod("good", { restartPolicy: "Never" }));
  await world.put("pod", world.pod("bad", { restartPolicy: "Never" }));
  await world.pass(2000);
  assert.equal(world.phase("good"), "Succeeded");
  assert.equal(world.phase("bad"), "Failed");
  world.runtime.loseEverything();
  await world.restart();
  await world.pass(10_000);
  assert.deepEqual(world.runtime.running(), []);
  assert.equal(world.phase("good"), "Succeeded");
});

test("running containers are adopted, not restarted, when EdgeCore restarts offline", async () => {
  await using world = new EdgedWorld();
  await world.start();
  await world.put("pod", world.pod("web"));
  const before = world.runtime.running();
  world.cloud.setConnected(false);
  await world.restart();
  await world.pass(30_000);
  assert.deepEqual(world.runtime.running(), before);
  world.cloud.setConnected(true);
  await world.pass(30_000);
  assert.deepEqual(world.runtime.running(), before);
});

test("pods come back without the cloud when the machine was off, their restarts counted", async () => {
  await using world = new EdgedWorld();
  await world.start();
  await world.put("pod", world.pod("web"));
  world.cloud.setConnected(false);
  world.runtime.losePower();
  await world.restart();
  await world.pass(1000);
  assert.deepEqual(
    world.runtime.running().map(({ name, attempt }) => [name, attempt]),
    [["web/app", 1]],
  );
  world.cloud.setConnected(true);
  await world.pass(100);
  assert.equal(world.containerStatus("web")["restartCount"], 1);
  assert.equal(world.phase("web"), "Running");
});

test("restarts stay counted when the runtime forgot everything", async () => {
  await using world = new EdgedWorld();
  await world.start();
  await world.put("pod", world.pod("web"));
  world.runtime.loseEverything();
  await world.pass(2000);
  assert.deepEqual(
    world.runtime.running().map(({ attempt }) => attempt),
    [1],
  );
});

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
    user: { supplementalGroups: [] },
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

test("a present image satisfies Always when the node is offline, and an Event says so", async () => {
  await using world = new EdgedWorld({ connected: false });
  await world.start();
  await world.put(
    "pod",
    world.pod("web", { containers: [{ name: "app", image: "app:1", imagePullPolicy: "Always" }] }),
  );
  assert.equal(world.runtime.running().length, 1);
  world.cloud.setConnected(true);
  await world.pass(1000);
  assert.deepEqual(world.cloud.eventReasons("web"), ["PresentImageUsed", "Created", "Started"]);
});

test("a present image satisfies Always when the registry cannot be reached or fails", async () => {
  await using world = new EdgedWorld();
  world.network.unreachable.add("registry-1.docker.io:443");
  await world.start();
  const spec = { containers: [{ name: "app", image: "app:1", imagePullPolicy: "Always" as const }] };
  await world.put("pod", world.pod("one", spec));
  world.network.unreachable.clear();
  await world.pass(61_000);
  await world.put("pod", world.pod("two", spec));
  assert.deepEqual(
    world.runtime.running().map(({ name }) => name),
    ["one/app", "two/app"],
  );
  assert.deepEqual(world.cloud.eventReasons("two"), ["Pulling", "PresentImageUsed", "Created", "Started"]);
});

test("an image that is nowhere gives ErrImagePull, then ImagePullBackOff, and the pod runs once it is there", async () => {
  await using world = new EdgedWorld();
  await world.start();
  await world.put("pod", world.pod("web", { containers: [{ name: "app", image: "other:1" }] }));
  assert.match(JSON.stringify(world.containerStatus("web")["state"]), /"ErrImagePull"/);
  assert.equal(world.phase("web"), "Pending");
  await world.pass(11_000);
  assert.match(JSON.stringify(world.containerStatus("web")["state"]), /"ImagePullBackOff"/);
  world.runtime.pullable.add("other:1");
  await world.pass(25_000);
  assert.equal(world.phase("web"), "Running");
});

test("imagePullPolicy Never does not pull", async () => {
  await using world = new EdgedWorld();
  world.runtime.pullable.add("other:1");
  await world.start();
  await world.put(
    "pod",
    world.pod("web", { containers: [{ name: "app", image: "other:1", imagePullPolicy: "Never" }] }),
  );
  await world.pass(60_000);
  assert.match(JSON.stringify(world.containerStatus("web")["state"]), /"ErrImageNeverPull"/);
});

test("a pod waits for its ConfigMap and starts when it comes; the volume follows later changes", async () => {
  await using world = new EdgedWorld();
  await world.start();
  await world.put(
    "pod",
    world.pod("web", {
      containers: [{ name: "app", image: "app:1", volumeMounts: [{ name: "v", mountPath: "/v" }] }],
      volumes: [{ name: "v", configMap: { name: "settings" } }],
    }),
  );
  await world.pass(3000);
  assert.equal(world.runtime.running().length, 0);
  assert.ok(world.cloud.eventReasons("web").includes("FailedMount"));
  await world.put("configmap", world.configMap("settings", { level: "1" }));
  await world.pass(100);
  assert.equal(world.runtime.running().length, 1);
  const path = "/edged/pods/uid-web/volumes/kubernetes.io~configmap/v/level";
  assert.equal(world.files.text(path), "1");
  await world.put("configmap", world.configMap("settings", { level: "2" }));
  assert.equal(world.files.text(path), "2");
  assert.equal(world.runtime.running()[0]?.attempt, 0);
});

test("a service-account token survives a restart without the cloud and is renewed at 80 % of its life", async () => {
  await using world = new EdgedWorld();
  await world.start();
  const sources = [{ serviceAccountToken: { path: "token", expirationSeconds: 3600 } }];
  await world.put("pod", world.pod("web", { volumes: [{ name: "t", projected: { sources } }] }));
  const path = "/edged/pods/uid-web/volumes/kubernetes.io~projected/t/token";
  assert.equal(world.files.text(path), "token-1");
  world.cloud.setConnected(false);
  world.runtime.losePower();
  await world.restart();
  await world.pass(1000);
  assert.equal(world.runtime.running().length, 1);
  await world.pass(3_600_000);
  assert.equal(world.files.text(path), "token-1");
  world.cloud.setConnected(true);
  await world.pass(1000);
  assert.equal(world.files.text(path), "token-2");
});

test("init containers run one after another before the others", async () => {
  await using world = new EdgedWorld();
  world.runtime.programs.set("first", { endsAfterMs: 500 });
  world.runtime.programs.set("second", { endsAfterMs: 500 });
  await world.start();
  const initContainers = ["first", "second"].map((name) => ({ name, image: "app:1" }));
  await world.put("pod", world.pod("web", { initContainers }));
  assert.deepEqual(
    world.runtime.running().map(({ name }) => name),
    ["web/first"],
  );
  assert.equal(world.condition("web", "Initialized"), "False");
  await world.pass(5000);
  assert.deepEqual(
    world.runtime.actions.filter((action) => action.startsWith("start")),
    ["startContainer web/first", "startContainer web/second", "startContainer web/app"],
  );
  assert.equal(world.phase("web"), "Running");
  assert.equal(world.condition("web", "Initialized"), "True");
});

test("a changed image restarts the container in place", async () => {
  await using world = new EdgedWorld();
  world.runtime.addImage("app:2");
  await world.start();
  await world.put("pod", world.pod("web"));
  await world.put("pod", world.pod("web", { containers: [{ name: "app", image: "app:2" }] }));
  await world.pass(1000);
  const [running] = world.runtime.running();
  assert.equal(world.runtime.configOf(running?.id ?? "")?.image, "app:2");
  assert.deepEqual(world.runtime.actions, [
    "runSandbox web",
    "startContainer web/app",
    "stopContainer web/app",
    "startContainer web/app",
  ]);
});

test("a failing readiness probe takes the pod out of service, a failing liveness probe restarts the container", async () => {
  await using world = new EdgedWorld();
  await world.start();
  const probe = { httpGet: { port: 8080, path: "/" }, periodSeconds: 1, failureThreshold: 2 };
  await world.put("pod", world.pod("ready", { containers: [{ name: "app", image: "app:1", readinessProbe: probe }] }));
  await world.put("pod", world.pod("alive", { containers: [{ name: "app", image: "app:1", livenessProbe: probe }] }));
  await world.pass(100);
  assert.equal(world.condition("ready", "Ready"), "True");
  for (const name of ["ready", "alive"])
    world.network.httpAnswers.set(`${String(world.cloud.podStatus("default", name)?.["podIP"])}:8080`, 500);
  await world.pass(2500);
  assert.equal(world.condition("ready", "Ready"), "False");
  assert.deepEqual(
    world.runtime.running().map(({ name, attempt }) => [name, attempt]),
    [
      ["ready/app", 0],
      ["alive/app", 1],
    ],
  );
});

test("a ready pod stays ready while EdgeCore restarts", async () => {
  await using world = new EdgedWorld();
  await world.start();
  const readinessProbe = { tcpSocket: { port: 80 }, initialDelaySeconds: 1, periodSeconds: 30 };
  await world.put("pod", world.pod("web", { containers: [{ name: "app", image: "app:1", readinessProbe }] }));
  await world.pass(2000);
  assert.equal(world.condition("web", "Ready"), "True");
  const before = world.cloud.received.length;
  await world.restart();
  await world.pass(500);
  const patches = world.cloud.received.slice(before).filter(({ route }) => route.resource === "default/podpatch/web");
  assert.deepEqual(patches, []);
});

test("a status that the cloud's node controller changed is put right", async () => {
  await using world = new EdgedWorld();
  await world.start();
  await world.put("pod", world.pod("web"));
  const status = world.cloud.podStatus("default", "web");
  const conditions = [{ type: "Ready", status: "False" as const }];
  const count = world.cloud.received.length;
  await world.put("pod", { ...world.pod("web"), status: { ...status, conditions } } as Pod);
  await world.pass(100);
  assert.equal(
    world.cloud
      .routes()
      .slice(count)
      .filter((route) => route === "patch default/podpatch/web").length,
    1,
  );
});

test("a crash between creating and starting a container leaves no second one", async () => {
  await using world = new EdgedWorld();
  world.runtime.failNext("startContainer");
  await world.start();
  await world.put("pod", world.pod("web"));
  await world.pass(10_000);
  const containers = await world.runtime.listContainers();
  assert.deepEqual(
    containers.map(({ state, attempt }) => [state, attempt]),
    [["running", 0]],
  );
});

test("a runtime that is away makes the node not ready, and pods start when it is back", async () => {
  await using world = new EdgedWorld();
  world.runtime.setAvailable(false);
  await world.start();
  await world.put("pod", world.pod("web"));
  await world.pass(10_000);
  world.runtime.setAvailable(true);
  await world.pass(10_000);
  assert.equal(world.runtime.running().length, 1);
  const reports = world.cloud.received.filter(({ route }) => route.resource === "null/nodepatch/edge-1");
  assert.match(String(reports[0]?.content), /KubeletNotReady/);
  assert.match(String(reports.at(-1)?.content), /EdgeReady/);
});

test("a pod that outlives its deadline fails for good, whether it runs or still waits", async () => {
  await using world = new EdgedWorld();
  await world.start();
  await world.put("pod", world.pod("runs", { activeDeadlineSeconds: 30 }));
  const containers = [{ name: "app", image: "nowhere:1" }];
  await world.put("pod", world.pod("waits", { activeDeadlineSeconds: 30, containers }));
  await world.pass(29_000);
  assert.equal(world.phase("runs"), "Running");
  assert.equal(world.phase("waits"), "Pending");
  await world.pass(5000);
  for (const name of ["runs", "waits"]) {
    assert.equal(world.phase(name), "Failed");
    assert.equal(world.cloud.podStatus("default", name)?.["reason"], "DeadlineExceeded");
  }
  await world.pass(60_000);
  assert.deepEqual(world.runtime.running(), []);
  assert.equal(world.cloud.podStatus("default", "runs")?.["reason"], "DeadlineExceeded");
});

test("a field that is not supported is told by an Event, never left out silently", async () => {
  await using world = new EdgedWorld();
  await world.start();
  const readinessProbe = { grpc: { port: 9000 } };
  await world.put("pod", world.pod("web", { containers: [{ name: "app", image: "app:1", readinessProbe }] }));
  assert.ok(world.cloud.eventReasons("web").includes("FieldNotSupported"));
  await world.put("pod", world.pod("disk", { volumes: [{ name: "v", persistentVolumeClaim: { claimName: "c" } }] }));
  await world.pass(2000);
  assert.ok(world.cloud.eventReasons("disk").includes("FailedMount"));
  assert.equal(world.phase("disk"), "Pending");
});

test("a new pod's status is not lost when an old pod of its name ends after it has come", async () => {
  await using world = new EdgedWorld();
  world.runtime.programs.set("app", { ignoresStop: true });
  await world.start();
  await world.put("pod", world.pod("web", { terminationGracePeriodSeconds: 10 }));
  await world.remove("pod", "web");
  await world.pass(2000);
  world.cloud.setConnected(false);
  await world.put("pod", world.pod("web", {}, "uid-second"));
  await world.pass(20_000);
  assert.deepEqual(
    world.runtime.running().map(({ uid }) => uid),
    ["uid-second"],
  );
  const reportsBefore = world.cloud.received.length;
  world.cloud.setConnected(true);
  await world.pass(1000);
  const reports = world.cloud.received.slice(reportsBefore).filter(({ route }) => route.resource?.includes("podpatch"));
  assert.match(String(reports.at(-1)?.content), /uid-second.*"phase":"Running"/s);
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
    user: { supplementalGroups: [] },
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
