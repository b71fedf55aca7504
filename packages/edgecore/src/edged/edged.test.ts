import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod, Volume } from "@skerry/api";
import type { DeliveryName } from "@skerry/link";
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

test("a cloud that begins to speak KubeEdge's delivery is told of each pod once more: it may have deleted one meanwhile", async () => {
  await using world = new EdgedWorld({ connected: false });
  await world.start();
  world.cloud.setConnected(true, "skerry");
  await world.put("pod", world.pod("web"));
  await world.pass(5000);
  const reportsOf = async (delivery: DeliveryName): Promise<number> => {
    const before = world.cloud.received.length;
    world.cloud.setConnected(false);
    world.cloud.setConnected(true, delivery);
    await world.pass(5000);
    return world.cloud.received.slice(before).filter(({ route }) => route.resource === "default/podpatch/web").length;
  };
  assert.equal(await reportsOf("skerry"), 0);
  assert.equal(await reportsOf("kubeedge"), 1);
  assert.equal(await reportsOf("kubeedge"), 0);
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

test("a pod with a field that is not supported is not started, and an Event says so", async () => {
  await using world = new EdgedWorld();
  await world.start();
  const resources = { limits: { gpu: "1" } };
  await world.put("pod", world.pod("web", { containers: [{ name: "app", image: "app:1", resources }] }));
  await world.pass(5000);
  assert.ok(world.cloud.eventReasons("web").includes("FieldNotSupported"));
  assert.equal(world.phase("web"), "Pending");
  assert.deepEqual(world.runtime.actions, []);
  assert.match(JSON.stringify(world.containerStatus("web")["state"]), /CreateContainerConfigError.*limits\[gpu\]/);
  const volume = { name: "v", nfs: { server: "192.0.2.1", path: "/" } } as Volume;
  await world.put("pod", world.pod("disk", { volumes: [volume] }));
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
