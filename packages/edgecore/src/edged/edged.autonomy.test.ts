import assert from "node:assert/strict";
import { test } from "node:test";
import { EdgedWorld } from "./testing/edged-world.ts";

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

test("without a token that it can decrypt a pod waits for the cloud and says so; one that runs goes on", async () => {
  await using world = new EdgedWorld();
  await world.start();
  const sources = [{ serviceAccountToken: { path: "token", expirationSeconds: 3600 } }];
  const volumes = [{ name: "t", projected: { sources } }];
  await world.put("pod", world.pod("web", { volumes }));
  world.cloud.setConnected(false);
  world.nodeKey = new Uint8Array(32).fill(1);
  await world.restart();
  await world.pass(60_000);
  assert.equal(world.runtime.running().length, 1, "what runs needs no new token");
  world.runtime.losePower();
  await world.restart();
  await world.pass(60_000);
  assert.equal(world.runtime.running().length, 0);
  world.cloud.setConnected(true);
  await world.pass(10_000);
  assert.equal(world.runtime.running().length, 1);
  const path = "/edged/pods/uid-web/volumes/kubernetes.io~projected/t/token";
  assert.equal(world.files.text(path), "token-2");
  const told = JSON.stringify(world.cloud.received.map(({ content }) => content));
  assert.match(told, /no usable token of the service account .{0,4}default.{0,4} on this node, and the cloud/);
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
  for (const { content } of patches) assert.doesNotMatch(String(content), /"status":"False"/);
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
