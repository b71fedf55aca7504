import assert from "node:assert/strict";
import { test } from "node:test";
import type { Container } from "@skerry/api";
import type { JsonObject } from "@skerry/base";
import { EdgedWorld } from "./testing/edged-world.ts";

const app = (more: Partial<Container> = {}): Container => ({ name: "app", image: "app:1", ...more });
const sidecar = (name: string, more: Partial<Container> = {}): Container => ({
  ...app(more),
  name,
  restartPolicy: "Always",
});

test("a pod is over only when its sidecars have ended too, and how they end does not count", async () => {
  await using world = new EdgedWorld();
  world.runtime.programs.set("app", { endsAfterMs: 500 });
  world.runtime.programs.set("side", { ignoresStop: true });
  await world.start();
  const spec = {
    restartPolicy: "Never" as const,
    initContainers: [sidecar("side")],
    terminationGracePeriodSeconds: 20,
  };
  await world.put("pod", world.pod("job", spec));
  await world.pass(10_000);
  assert.deepEqual(
    world.runtime.running().map(({ name }) => name),
    ["job/side"],
  );
  assert.equal(world.phase("job"), "Running");
  await world.pass(15_000);
  assert.deepEqual(world.runtime.running(), []);
  assert.equal(world.phase("job"), "Succeeded");
  assert.equal(world.condition("job", "Initialized"), "True");
});

test("sidecars outlive the containers that they serve, and end the last one first", async () => {
  await using world = new EdgedWorld();
  world.runtime.programs.set("app", { ignoresStop: true });
  await world.start();
  await world.put("pod", world.pod("web", { initContainers: [sidecar("first"), sidecar("second")] }));
  await world.pass(3000);
  await world.requestDeletion("web", 5);
  await world.pass(20_000);
  assert.deepEqual(
    world.runtime.actions.filter((action) => action.startsWith("stopContainer")),
    ["stopContainer web/app", "stopContainer web/second", "stopContainer web/first"],
  );
});

test("a preStop hook of a sidecar runs, and one that fails is told", async () => {
  await using world = new EdgedWorld();
  await world.start();
  const lifecycle = { preStop: { exec: { command: ["farewell"] } } };
  await world.put("pod", world.pod("web", { initContainers: [sidecar("side", { lifecycle })] }));
  await world.pass(2000);
  world.runtime.failNext("exec", "no such command");
  await world.requestDeletion("web", 5);
  await world.pass(10_000);
  assert.ok(world.cloud.eventReasons("web").includes("FailedPreStopHook"));
});

test("a hook that sleeps holds back the end, but never beyond the grace period", async () => {
  await using world = new EdgedWorld();
  await world.start();
  const resting = (seconds: number): Container => app({ lifecycle: { preStop: { sleep: { seconds } } } });
  await world.put("pod", world.pod("short", { containers: [resting(4)] }));
  await world.put("pod", world.pod("long", { containers: [resting(600)] }));
  await world.requestDeletion("short", 30);
  await world.requestDeletion("long", 10);
  await world.pass(3000);
  assert.equal(world.runtime.running().length, 2);
  await world.pass(2000);
  assert.deepEqual(
    world.runtime.running().map(({ name }) => name),
    ["long/app"],
  );
  await world.pass(6000);
  assert.deepEqual(world.runtime.running(), []);
});

test("a postStart hook that sleeps ends when its pod is deleted", async () => {
  await using world = new EdgedWorld();
  await world.start();
  await world.put(
    "pod",
    world.pod("web", { containers: [app({ lifecycle: { postStart: { sleep: { seconds: 600 } } } })] }),
  );
  await world.pass(1000);
  await world.requestDeletion("web", 1);
  await world.pass(3000);
  assert.deepEqual(world.runtime.running(), []);
});

test("a container whose postStart hook fails ends as gently as any other, its preStop hook too", async () => {
  await using world = new EdgedWorld();
  world.runtime.programs.set("app", { ignoresStop: true });
  const commands: string[] = [];
  world.runtime.exec = async (_id, [command = ""]) => {
    commands.push(command);
    return { exitCode: command === "greet" ? 4 : 0, output: "" };
  };
  await world.start();
  const lifecycle = { postStart: { exec: { command: ["greet"] } }, preStop: { exec: { command: ["farewell"] } } };
  const spec = { restartPolicy: "Never" as const, terminationGracePeriodSeconds: 10 };
  await world.put("pod", world.pod("web", { ...spec, containers: [app({ lifecycle })] }));
  await world.pass(8000);
  assert.deepEqual(commands, ["greet", "farewell"]);
  assert.equal(world.runtime.running().length, 1);
  await world.pass(4000);
  assert.equal(world.phase("web"), "Failed");
  assert.ok(world.cloud.eventReasons("web").includes("FailedPostStartHook"));
});

test("a postStart hook may take minutes, and the deletion of its pod does not wait for it", async () => {
  await using world = new EdgedWorld();
  const seconds: number[] = [];
  world.runtime.exec = (_id, _command, timeoutSeconds) => {
    seconds.push(timeoutSeconds);
    return new Promise(() => undefined);
  };
  await world.start();
  const lifecycle = { postStart: { exec: { command: ["greet"] } } };
  await world.put("pod", world.pod("web", { containers: [app({ lifecycle })] }));
  await world.pass(120_000);
  assert.deepEqual(seconds, [600]);
  await world.requestDeletion("web", 1);
  await world.pass(3000);
  assert.deepEqual(world.runtime.running(), []);
});

test("a container's own stop signal is sent to it; one that does not follow is killed in time", async () => {
  await using world = new EdgedWorld();
  world.runtime.programs.set("deaf/app", { ignoresStop: true });
  await world.start();
  const containers = [app({ lifecycle: { stopSignal: "SIGUSR1" } })];
  for (const name of ["hears", "deaf"]) await world.put("pod", world.pod(name, { containers }));
  await world.requestDeletion("hears", 10);
  await world.pass(1000);
  assert.deepEqual(
    world.runtime.actions.filter((action) => action.includes("hears/app")),
    ["startContainer hears/app", "SIGUSR1 hears/app"],
  );
  await world.requestDeletion("deaf", 10);
  await world.pass(9000);
  assert.equal(world.runtime.running().length, 1);
  await world.pass(2000);
  assert.deepEqual(world.runtime.running(), []);
});

test("a container is stopped by its image's signal when its own one cannot be sent", async () => {
  await using world = new EdgedWorld();
  await world.start();
  await world.put("pod", world.pod("web", { containers: [app({ lifecycle: { stopSignal: "SIGUSR1" } })] }));
  world.runtime.failNext("signalContainer");
  await world.requestDeletion("web", 10);
  await world.pass(1000);
  assert.deepEqual(world.runtime.running(), []);
  assert.ok(world.runtime.actions.includes("stopContainer web/app"));
});

test("a probe's own grace period counts when it ends the container", async () => {
  await using world = new EdgedWorld();
  world.runtime.programs.set("app", { ignoresStop: true });
  await world.start();
  const grpc = { port: 9000, service: "heart" };
  const livenessProbe = { grpc, periodSeconds: 1, failureThreshold: 1, terminationGracePeriodSeconds: 3 };
  const spec = { terminationGracePeriodSeconds: 600, containers: [app({ livenessProbe })] };
  await world.put("pod", world.pod("web", spec));
  await world.pass(3000);
  assert.equal(world.runtime.running()[0]?.attempt, 0);
  const address = String(world.cloud.podStatus("default", "web")?.["podIP"]);
  world.network.grpcAnswers.set(`${address}:9000/heart`, "NOT_SERVING");
  await world.pass(6000);
  assert.equal(world.runtime.running()[0]?.attempt, 1);
});

test("a container's own restart policy and rules count before the pod's", async () => {
  await using world = new EdgedWorld();
  for (const [name, exitCode] of [
    ["again", 0],
    ["ruled", 42],
    ["other", 41],
  ] as const)
    world.runtime.programs.set(name, { endsAfterMs: 100, exitCode });
  await world.start();
  const exitCodes = { operator: "In" as const, values: [42] };
  const ruled = { restartPolicy: "Never" as const, restartPolicyRules: [{ action: "Restart", exitCodes }] };
  const containers: Container[] = [
    { ...app({ restartPolicy: "Always" }), name: "again" },
    { ...app(ruled), name: "ruled" },
    { ...app(ruled), name: "other" },
  ];
  await world.put("pod", world.pod("web", { restartPolicy: "Never", containers }));
  await world.pass(5000);
  const starts = (name: string): number =>
    world.runtime.actions.filter((action) => action === `startContainer web/${name}`).length;
  assert.deepEqual([starts("again"), starts("ruled"), starts("other")], [2, 2, 1]);
  assert.equal(world.phase("web"), "Running");
});

test("a running container gets other limits in place, or by a restart where its policy wants that", async () => {
  await using world = new EdgedWorld();
  await world.start();
  const resizePolicy = [{ resourceName: "memory", restartPolicy: "RestartContainer" }];
  const sized = (cpu: string, memory: string): Container =>
    app({ resources: { limits: { cpu, memory } }, resizePolicy });
  await world.put("pod", world.pod("web", { containers: [sized("1", "64Mi")] }));
  await world.pass(2000);
  const [first] = world.runtime.running();
  await world.put("pod", world.pod("web", { containers: [sized("2", "64Mi")] }));
  await world.pass(2000);
  assert.equal(world.runtime.running()[0]?.id, first?.id);
  assert.equal(world.runtime.updatedResources.get(first?.id ?? "")?.cpuQuotaUs, 200_000);
  assert.deepEqual(world.containerStatus("web")["resources"], { limits: { cpu: "2", memory: "64Mi" } });
  assert.ok(world.cloud.eventReasons("web").includes("ResizeCompleted"));
  await world.restart();
  await world.pass(2000);
  assert.equal(world.runtime.actions.filter((action) => action.startsWith("update")).length, 1);
  await world.put("pod", world.pod("web", { containers: [sized("2", "128Mi")] }));
  await world.pass(2000);
  assert.equal(world.runtime.running()[0]?.attempt, 1);
});

test("limits that the runtime refuses are told, and the container goes on with those it has", async () => {
  await using world = new EdgedWorld();
  await world.start();
  const sized = (memory: string): Container => app({ resources: { limits: { memory } } });
  await world.put("pod", world.pod("web", { containers: [sized("64Mi")] }));
  await world.pass(2000);
  const update = world.runtime.updateContainerResources.bind(world.runtime);
  let refused = 0;
  world.runtime.updateContainerResources = () => {
    refused += 1;
    return Promise.reject(new Error(`device or resource busy (${refused})`));
  };
  await world.put("pod", world.pod("web", { containers: [sized("1Mi")] }));
  await world.pass(50_000);
  assert.ok(refused < 5, `tried ${refused} times`);
  assert.ok(world.cloud.eventReasons("web").includes("ResizeError"));
  assert.equal(world.runtime.running()[0]?.attempt, 0);
  const inProgress = (): JsonObject | undefined => {
    const conditions = (world.cloud.podStatus("default", "web")?.["conditions"] ?? []) as JsonObject[];
    return conditions.find(({ type }) => type === "PodResizeInProgress");
  };
  assert.deepEqual([inProgress()?.["status"], inProgress()?.["reason"]], ["True", "Error"]);
  assert.equal(inProgress()?.["message"], "Resizing app failed: device or resource busy (1)");
  world.runtime.updateContainerResources = update;
  await world.pass(60_000);
  assert.equal(inProgress()?.["status"], "False");
  assert.deepEqual(world.containerStatus("web")["resources"], { limits: { memory: "1Mi" } });
});

test("what a runtime does not do is told to the pods that it concerns, and to no other", async () => {
  await using world = new EdgedWorld();
  const lacking = { noWayOut: "there are no tunnels here", limits: { cpu: true, memory: false }, noSeccomp: true };
  world.runtime.featuresValue = { ...world.runtime.featuresValue, ...lacking };
  await world.start();
  const resources = { limits: { cpu: "100m", memory: "64Mi" } };
  const securityContext = { seccompProfile: { type: "RuntimeDefault" } };
  await world.put("pod", world.pod("web", { containers: [app({ resources, securityContext })] }));
  await world.put("pod", world.pod("host", { hostNetwork: true, containers: [app()] }));
  await world.pass(3000);
  const told = (pod: string): string[] =>
    world.cloud.eventReasons(pod).filter((reason) => /^NoOutboundNetwork$|NotEnforced$/.test(reason));
  assert.deepEqual(told("web").sort(), ["LimitsNotEnforced", "NoOutboundNetwork", "SeccompNotEnforced"]);
  assert.deepEqual(told("host"), []);
});

test("what comes after a sidecar waits until its startup probe has succeeded", async () => {
  await using world = new EdgedWorld();
  world.runtime.programs.set("init", { endsAfterMs: 500 });
  world.network.unreachable.add("127.0.0.1:15000");
  await world.start();
  const startupProbe = { tcpSocket: { host: "127.0.0.1", port: 15000 }, periodSeconds: 1, failureThreshold: 100 };
  const initContainers = [sidecar("side", { startupProbe }), { ...app(), name: "init" }];
  await world.put("pod", world.pod("web", { initContainers }));
  await world.pass(10_000);
  const started = (): string[] => world.runtime.actions.filter((action) => action.startsWith("startContainer"));
  assert.deepEqual(started(), ["startContainer web/side"]);
  assert.equal(world.condition("web", "Initialized"), "False");
  await world.restart();
  await world.pass(5000);
  assert.deepEqual(started(), ["startContainer web/side"]);
  world.network.unreachable.clear();
  await world.pass(1000);
  assert.deepEqual(started(), ["startContainer web/side", "startContainer web/init"]);
  await world.pass(5000);
  assert.deepEqual(started().at(-1), "startContainer web/app");
  assert.equal(world.condition("web", "Ready"), "True");
});

test("whether a container serves is asked as soon as it has started, not a period later", async () => {
  await using world = new EdgedWorld();
  world.network.unreachable.add("127.0.0.1:15000");
  await world.start();
  const tcpSocket = (port: number): JsonObject => ({ tcpSocket: { host: "127.0.0.1", port } });
  const startupProbe = { ...tcpSocket(15000), periodSeconds: 1, failureThreshold: 100 };
  const readinessProbe = { ...tcpSocket(16000), periodSeconds: 300 };
  const late = { ...readinessProbe, initialDelaySeconds: 20 };
  await world.put("pod", world.pod("web", { containers: [app({ startupProbe, readinessProbe })] }));
  await world.put("pod", world.pod("late", { containers: [app({ startupProbe, readinessProbe: late })] }));
  await world.pass(5000);
  assert.equal(world.condition("web", "Ready"), "False");
  world.network.unreachable.clear();
  await world.pass(2000);
  assert.deepEqual([world.condition("web", "Ready"), world.condition("late", "Ready")], ["True", "False"]);
  await world.pass(15_000);
  assert.equal(world.condition("late", "Ready"), "True");
});
