import assert from "node:assert/strict";
import { test } from "node:test";
import type { PodSpec } from "@skerry/api";
import type { JsonObject } from "@skerry/base";
import { EdgedWorld } from "./testing/edged-world.ts";

/** The fake machine has two processors and 1 GiB, of which 100 MiB are the threshold of eviction. */
const asking = (requests: Record<string, string>): Partial<PodSpec> => ({
  containers: [{ name: "app", image: "app:1", resources: { requests } }],
});
const running = (world: EdgedWorld): string[] => world.runtime.running().map(({ name }) => name);

async function worldWith(...pods: readonly (readonly [name: string, spec: Partial<PodSpec>])[]): Promise<EdgedWorld> {
  const world = new EdgedWorld();
  await world.start();
  for (const [name, spec] of pods) await world.put("pod", world.pod(name, spec));
  await world.pass(1000);
  return world;
}

test("a pod that asks for more than the others left fails in the kubelet's words, and stays so over a restart", async () => {
  await using world = await worldWith(["first", asking({ cpu: "1500m" })], ["second", asking({ cpu: "1" })]);
  await world.pass(6000);
  const status = world.cloud.podStatus("default", "second");
  assert.equal(status?.["phase"], "Failed");
  assert.equal(status?.["reason"], "OutOfcpu");
  const message = "Node didn't have enough resource: cpu, requested: 1000, used: 1500, capacity: 2000";
  assert.equal(status?.["message"], `Pod was rejected: ${message}`);
  assert.ok(world.cloud.eventReasons("second").includes("OutOfcpu"));
  assert.equal(world.condition("second", "DisruptionTarget"), undefined);
  assert.deepEqual(status?.["containerStatuses"], []);
  await world.restart();
  await world.remove("pod", "first");
  await world.pass(60_000);
  assert.equal(world.phase("second"), "Failed");
  assert.deepEqual(world.cloud.podStatus("default", "second")?.["containerStatuses"], []);
  assert.deepEqual(running(world), []);
});

test("memory, the disk, huge pages and the number of pods are looked at too", async () => {
  await using world = await worldWith(
    ["memory", asking({ memory: "1000Mi" })],
    ["disk", asking({ "ephemeral-storage": "16Gi" })],
    ["pages", asking({ "hugepages-2Mi": "2Mi" })],
  );
  await world.pass(6000);
  const reason = (name: string): unknown => world.cloud.podStatus("default", name)?.["reason"];
  assert.deepEqual(["memory", "disk", "pages"].map(reason), [
    "OutOfmemory",
    "OutOfephemeral-storage",
    "OutOfhugepages-2Mi",
  ]);
  await using small = new EdgedWorld({ config: { maxPods: 1 } });
  await small.start();
  for (const name of ["one", "two"]) await small.put("pod", small.pod(name));
  await small.pass(7000);
  assert.deepEqual(running(small), ["one/app"]);
  assert.equal(
    small.cloud.podStatus("default", "two")?.["message"],
    "Pod was rejected: Node didn't have enough resource: pods, requested: 1, used: 1, capacity: 1",
  );
});

test("a pod starts in the room of one that is going, also when it came before the other's end", async () => {
  await using world = await worldWith(["old", asking({ cpu: "2" })]);
  await world.put("pod", world.pod("new", asking({ cpu: "2" })));
  await world.pass(1000);
  assert.deepEqual(running(world), ["old/app"]);
  await world.requestDeletion("old", 0);
  await world.pass(3000);
  assert.deepEqual(running(world), ["new/app"]);
  assert.equal(world.phase("new"), "Running");
});

test("a pod that is over takes no room, and one that would not even fit alone never has any", async () => {
  await using world = new EdgedWorld();
  world.runtime.programs.set("once", { endsAfterMs: 100 });
  await world.start();
  const containers = [{ name: "once", image: "app:1", resources: { requests: { cpu: "2" } } }];
  await world.put("pod", world.pod("job", { restartPolicy: "Never", containers }));
  await world.pass(3000);
  await world.put("pod", world.pod("web", asking({ cpu: "2" })));
  await world.put("pod", world.pod("huge", asking({ cpu: "3" })));
  await world.pass(8000);
  assert.deepEqual(running(world), ["web/app"]);
  assert.equal(world.cloud.podStatus("default", "huge")?.["reason"], "OutOfcpu");
});

test("pods that the node knows keep their places when it has less than before, and critical ones always have one", async () => {
  await using world = await worldWith(["first", asking({ cpu: "1" })], ["second", asking({ cpu: "1" })]);
  world.host.factsValue = { ...world.host.factsValue, cpuCount: 1 };
  await world.restart();
  await world.put("pod", world.pod("system", { ...asking({ cpu: "1" }), priority: 2_000_000_000 }));
  await world.put("pod", world.pod("late", asking({ cpu: "1m" })));
  await world.pass(8000);
  assert.deepEqual(running(world).sort(), ["first/app", "second/app", "system/app"]);
  assert.equal(
    world.cloud.podStatus("default", "late")?.["message"],
    "Pod was rejected: Node didn't have enough resource: cpu, requested: 1, used: 3000, capacity: 1000",
  );
});

test("a port of the machine is one pod's until it goes; another that wants it fails in the kubelet's words", async () => {
  const listening = (hostPort: number, more: JsonObject = {}): Partial<PodSpec> => ({
    containers: [{ name: "app", image: "app:1", ports: [{ containerPort: 80, hostPort, ...more }] }],
  });
  const own = { containers: [{ name: "app", image: "app:1", ports: [{ containerPort: 8080 }] }] };
  const there = { hostIP: "10.0.0.7" };
  await using world = await worldWith(
    ...([
      ["holder", listening(8080, there)],
      ["elsewhere", listening(8080, { hostIP: "10.0.0.8" })],
    ] as const),
    ...([
      ["udp", listening(8080, { protocol: "UDP" })],
      ["plain", own],
      ["other", listening(8081)],
    ] as const),
    ...([
      ["same", listening(8080)],
      ["shared", { ...own, hostNetwork: true }],
    ] as const),
  );
  await world.pass(6000);
  for (const name of ["same", "shared"]) {
    const { phase, reason, message } = world.cloud.podStatus("default", name) ?? {};
    assert.deepEqual([phase, reason], ["Failed", "NodePorts"], name);
    assert.equal(
      message,
      "Pod was rejected: Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports",
    );
  }
  assert.deepEqual(running(world).sort(), ["elsewhere/app", "holder/app", "other/app", "plain/app", "udp/app"]);
  await world.restart();
  await world.pass(6000);
  assert.equal(running(world).length, 5);
  for (const name of ["holder", "elsewhere"]) await world.requestDeletion(name, 30);
  await world.put("pod", world.pod("next", listening(8080)));
  await world.pass(6000);
  assert.ok(running(world).includes("next/app"));
});

const sized = (cpu: string): Partial<PodSpec> => ({
  containers: [{ name: "app", image: "app:1", resources: { requests: { cpu }, limits: { cpu: "2" } } }],
});
const allocated = (world: EdgedWorld, name: string): unknown => world.containerStatus(name)["allocatedResources"];

test("a running pod that is to have more than the others leave keeps what it has until they go", async () => {
  await using world = await worldWith(["first", sized("1")], ["second", sized("500m")]);
  await world.put("pod", world.pod("second", sized("1500m")));
  await world.pass(1000);
  const condition = (): JsonObject | undefined => pending(world, "second");
  const message = "Node didn't have enough resource: cpu, requested: 1500, used: 1000, capacity: 2000";
  assert.equal(condition()?.["status"], "True");
  assert.deepEqual([condition()?.["reason"], condition()?.["message"]], ["Deferred", message]);
  assert.deepEqual(allocated(world, "second"), { cpu: "500m" });
  assert.equal(world.cloud.eventReasons("second").filter((reason) => reason === "ResizeDeferred").length, 1);
  await world.restart();
  await world.pass(10_000);
  assert.deepEqual([condition()?.["status"], condition()?.["reason"]], ["True", "Deferred"]);
  assert.deepEqual(world.runtime.updatedResources.size, 0);
  await world.remove("pod", "first");
  await world.pass(10_000);
  assert.equal(condition()?.["status"], "False");
  assert.deepEqual(allocated(world, "second"), { cpu: "1500m" });
  assert.equal(world.runtime.updatedResources.size, 1);
});

test("more than the node has is never given, a restarted container has what it had, and going back is at once", async () => {
  await using world = await worldWith(["web", sized("1")]);
  await world.put("pod", world.pod("web", sized("3")));
  await world.pass(1000);
  const message = "Node didn't have enough capacity: cpu, requested: 3000, capacity: 2000";
  assert.deepEqual([pending(world, "web")?.["reason"], pending(world, "web")?.["message"]], ["Infeasible", message]);
  const [container] = world.runtime.running();
  world.runtime.endContainer(container?.id ?? "", 1);
  await world.pass(30_000);
  assert.equal(world.runtime.running()[0]?.attempt, 1);
  assert.deepEqual(allocated(world, "web"), { cpu: "1" });
  await world.put("pod", world.pod("web", sized("500m")));
  await world.pass(1000);
  assert.equal(pending(world, "web")?.["status"], "False");
  assert.deepEqual(allocated(world, "web"), { cpu: "500m" });
});

function pending(world: EdgedWorld, name: string): JsonObject | undefined {
  const conditions = (world.cloud.podStatus("default", name)?.["conditions"] ?? []) as JsonObject[];
  return conditions.find(({ type }) => type === "PodResizePending");
}
