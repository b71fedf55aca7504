import assert from "node:assert/strict";
import { test } from "node:test";
import type { Container, Lease, Node, NodeStatus } from "@skerry/api";
import { edgedConfig } from "../config.ts";
import { EdgedWorld } from "../testing/edged-world.ts";
import { type NodeFacts, nodeStatus } from "./node-object.ts";

const MIB = 1024 ** 2;
const NODE = "null/node/edge-1";
const LEASE = "kube-node-lease/lease/edge-1";

test("a new node registers with KubeEdge's roles and conditions, then reports ready and renews its lease", async () => {
  await using world = new EdgedWorld({ config: { labels: { site: "north" } } });
  await world.start();
  await world.pass(1000);
  const insert = world.cloud.received.find(({ route }) => route.operation === "insert" && route.resource === NODE);
  const node = insert?.content as unknown as Node;
  assert.equal("apiVersion" in node, false);
  assert.deepEqual(node.metadata.labels, {
    "beta.kubernetes.io/arch": "amd64",
    "beta.kubernetes.io/os": "linux",
    "kubernetes.io/arch": "amd64",
    "kubernetes.io/hostname": "edge-1",
    "kubernetes.io/os": "linux",
    "node-role.kubernetes.io/agent": "",
    "node-role.kubernetes.io/edge": "",
    site: "north",
  });
  assert.deepEqual(
    node.status?.conditions?.map(({ type, status }) => `${type}=${status}`),
    ["MemoryPressure=False", "DiskPressure=False", "PIDPressure=False", "Ready=True"],
  );
  assert.deepEqual(node.status?.addresses, [
    { type: "InternalIP", address: "192.0.2.10" },
    { type: "Hostname", address: "edge-1" },
  ]);
  const kept = world.cloud.objects.get(NODE) as Node;
  assert.equal(kept.status?.conditions?.find(({ type }) => type === "Ready")?.reason, "EdgeReady");
  await world.put("node", kept);
  await world.pass(0);
  const lease = world.cloud.objects.get(LEASE) as Lease;
  assert.equal(lease.spec?.leaseDurationSeconds, 40);
  assert.match(lease.spec?.renewTime ?? "", /\.\d{6}Z$/);
  assert.equal(lease.metadata.ownerReferences?.[0]?.uid, kept.metadata.uid);
});

test("an unchanged status is sent every five minutes, a changed one within ten seconds, the lease every ten", async () => {
  await using world = new EdgedWorld();
  await world.start();
  await world.put("node", world.cloud.objects.get(NODE) as Node);
  await world.pass(20_000);
  const count = (route: string): number => world.cloud.routes().filter((one) => one === route).length;
  const before = { patches: count("patch null/nodepatch/edge-1"), leases: count(`update ${LEASE}`) };
  await world.pass(280_000);
  assert.equal(count("patch null/nodepatch/edge-1") - before.patches, 0);
  const leases = count(`update ${LEASE}`) - before.leases;
  assert.ok(leases >= 25 && leases <= 29, String(leases));
  await world.pass(60_000);
  assert.equal(count("patch null/nodepatch/edge-1") - before.patches, 1);
  world.host.pressureValue = { ...world.host.pressureValue, diskAvailableBytes: 1 };
  await world.pass(11_000);
  assert.equal(count("patch null/nodepatch/edge-1") - before.patches, 2);
  const node = world.cloud.objects.get(NODE) as Node;
  assert.equal(node.status?.conditions?.find(({ type }) => type === "DiskPressure")?.status, "True");
});

test("a clock that is set is reported within ten seconds, so that the cloud can tell", async () => {
  await using world = new EdgedWorld();
  await world.start();
  await world.put("node", world.cloud.objects.get(NODE) as Node);
  await world.pass(20_000);
  const heartbeatMs = (): number => {
    const { status } = world.cloud.objects.get(NODE) as Node;
    return Date.parse(status?.conditions?.find(({ type }) => type === "Ready")?.lastHeartbeatTime ?? "");
  };
  world.clock.jumpWallClock(86_400_000);
  await world.pass(11_000);
  assert.ok(Math.abs(world.clock.now() - heartbeatMs()) <= 11_000);
});

test("a node that is known is taken over, and gets the labels of this configuration", async () => {
  await using world = new EdgedWorld();
  world.cloud.objects.set(NODE, {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: "edge-1", uid: "node-7", resourceVersion: "5", labels: { own: "label" } },
  });
  await world.start();
  await world.pass(1000);
  const node = world.cloud.objects.get(NODE) as Node;
  assert.equal(node.metadata.uid, "node-7");
  assert.equal(node.metadata.labels?.["own"], "label");
  assert.equal(node.metadata.labels?.["node-role.kubernetes.io/edge"], "");
  assert.equal(node.status?.conditions?.find(({ type }) => type === "Ready")?.status, "True");
});

test("a node deleted in the cloud while it runs registers again", async () => {
  await using world = new EdgedWorld();
  await world.start();
  await world.put("node", world.cloud.objects.get(NODE) as Node);
  await world.pass(15_000);
  world.cloud.objects.delete(NODE);
  world.cloud.objects.delete(LEASE);
  await world.pass(30_000);
  assert.ok(world.cloud.objects.has(NODE));
  assert.ok(world.cloud.objects.has(LEASE));
});

test("nothing is asked of the cloud while it is away, and all at once when it is back", async () => {
  await using world = new EdgedWorld();
  await world.start();
  await world.put("node", world.cloud.objects.get(NODE) as Node);
  await world.pass(15_000);
  world.cloud.setConnected(false);
  const before = world.cloud.received.length;
  await world.pass(600_000);
  assert.equal(world.cloud.received.length, before);
  world.cloud.setConnected(true);
  await world.pass(0);
  const routes = world.cloud.routes().slice(before);
  assert.ok(routes.includes("patch null/nodepatch/edge-1"), routes.join());
  assert.ok(routes.includes(`update ${LEASE}`), routes.join());
});

test("a limited link is told in a condition, and so is that the limit is gone", () => {
  const facts: NodeFacts = {
    config: edgedConfig({ nodeName: "edge-1", rootDirectory: "/var/lib/edged" }),
    host: {
      machineId: "",
      systemUuid: "",
      bootId: "",
      kernelVersion: "",
      osImage: "",
      operatingSystem: "linux",
      architecture: "x64",
      cpuCount: 1,
      memoryBytes: 1e9,
      hugePageBytes: {},
    } as NodeFacts["host"],
    diskBytes: 1e10,
    pressure: new Set(),
    devices: new Map(),
    addresses: [],
    runtime: undefined,
    notReady: undefined,
    before: [],
    nowMs: 0,
  };
  const told = (status: NodeStatus): string[] =>
    (status.conditions ?? []).filter(({ type }) => type.startsWith("Link")).map((one) => `${one.status} ${one.reason}`);
  assert.deepEqual(told(nodeStatus(facts)), []);
  const held = { telemetry: 1, event: 2, state: 0 };
  const byteBudget = { bytesPerDay: 1e6, burstBytes: 1e5, leftBytes: 1e4, stage: "events-held", held } as const;
  const spent = nodeStatus({ ...facts, byteBudget });
  assert.deepEqual(told(spent), ["True EventsHeld"]);
  assert.deepEqual(told(nodeStatus({ ...facts, before: spent.conditions ?? [] })), ["False NoBudget"]);
});

test("pods can have what is not reserved, set aside for huge pages or below a threshold, and read that as their limit", async () => {
  const config = { reserved: { cpuMilli: 250, memoryBytes: 100 * MIB, storageBytes: 1024 * MIB } };
  await using world = new EdgedWorld({ config });
  world.host.factsValue = { ...world.host.factsValue, hugePageBytes: { "1Gi": 0, "2Mi": 64 * MIB } };
  await world.start();
  const limit = (name: string, resource: string, divisor: string): object => ({
    name,
    valueFrom: { resourceFieldRef: { resource, divisor } },
  });
  const env = [
    limit("CPU", "limits.cpu", "1m"),
    limit("MEMORY", "limits.memory", "1Mi"),
    limit("DISK", "limits.ephemeral-storage", "1Mi"),
  ];
  await world.put("pod", world.pod("web", { containers: [{ name: "app", image: "app:1", env } as Container] }));
  await world.pass(5000);
  const { capacity, allocatable } = (world.cloud.objects.get(NODE) as Node).status ?? {};
  assert.deepEqual([capacity?.["cpu"], allocatable?.["cpu"]], ["2", "1750m"]);
  // 100 MiB are the kubelet's hard threshold.
  assert.equal(allocatable?.["memory"], `${(1024 - 100 - 64 - 100) * 1024}Ki`);
  // So are 10 % of 16 GiB.
  assert.equal(allocatable?.["ephemeral-storage"], String(Math.floor((16 * 0.9 - 1) * 1024 * MIB)));
  const [container] = world.runtime.running();
  const found = world.runtime.environmentOf(container?.id ?? "");
  assert.deepEqual(
    ["CPU", "MEMORY", "DISK"].map((name) => found.get(name)),
    ["1750", "760", String(Math.ceil((16 * 0.9 - 1) * 1024))],
  );
});

test("the node tells its largest images, again only when they are others or its session is new", async () => {
  await using world = new EdgedWorld({ config: { statusImagesLimit: 2 } });
  world.runtime.addImage("large:1", 9e6);
  world.runtime.addImage("middle:1", 8e6);
  await world.start();
  await world.put("node", world.cloud.objects.get(NODE) as Node);
  await world.pass(70_000);
  const told = (): unknown => (world.cloud.objects.get(NODE) as Node).status?.images;
  const [large, middle] = [
    { names: ["large:1"], sizeBytes: 9e6 },
    { names: ["middle:1"], sizeBytes: 8e6 },
  ];
  assert.deepEqual(told(), [large, middle]);
  const patches = (): string[] =>
    world.cloud.received
      .filter(({ route }) => `${route.operation} ${route.resource}` === "patch null/nodepatch/edge-1")
      .map(({ content }) => String(content));
  const before = patches().length;
  await world.pass(310_000);
  assert.deepEqual(
    patches()
      .slice(before)
      .map((patch) => patch.includes("images")),
    [false],
  );
  assert.deepEqual(told(), [large, middle]);
  world.runtime.addImage("larger:1", 9.5e6);
  await world.pass(75_000);
  assert.deepEqual(told(), [{ names: ["larger:1"], sizeBytes: 9.5e6 }, large]);
  world.cloud.setConnected(false);
  await world.pass(1000);
  world.cloud.setConnected(true);
  await world.pass(1000);
  assert.match(patches().at(-1) ?? "", /images/);
});

test("what an earlier run told of its runtime and its images is taken back when there is nothing to tell any more", async () => {
  await using world = new EdgedWorld({ config: { statusImagesLimit: 0 } });
  world.cloud.objects.set(NODE, {
    ...{ apiVersion: "v1", kind: "Node", metadata: { name: "edge-1", uid: "uid-1" } },
    status: {
      images: [{ names: ["old:1"], sizeBytes: 1 }],
      runtimeHandlers: [{ name: "", features: { userNamespaces: true } }],
      features: { supplementalGroupsPolicy: true },
    },
  } as Node);
  await world.start();
  await world.pass(70_000);
  const { images, runtimeHandlers, features } = (world.cloud.objects.get(NODE) as Node).status ?? {};
  assert.deepEqual([images, runtimeHandlers, features], [[], [], { supplementalGroupsPolicy: false }]);
});
