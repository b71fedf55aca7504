import assert from "node:assert/strict";
import { test } from "node:test";
import { leases, nodes } from "@skerry/api";
import type { LocalFacts } from "./facts.ts";
import { assertBroken, at, healthy, NODE, NOW, World } from "./testing/world.ts";

const nodeFaults: readonly (readonly [
  fault: string,
  title: string,
  code: string,
  found: RegExp,
  world: () => Promise<World>,
])[] = [
  ["a node that never joined", "registered", "WHY_NODE_UNKNOWN", /never joined/, async () => new World()],
  [
    "a process that does not run",
    "machine",
    "WHY_NODE_PROCESS",
    /containerd edge-1 does not run: exit code 1/,
    async () =>
      here(await new World().node(), {
        processes: [{ name: "containerd edge-1", isRunning: false, reason: "exit code 1" }],
      }),
  ],
  [
    "an expired certificate",
    "machine",
    "WHY_NODE_CERTIFICATE_EXPIRED",
    /ended 60m ago/,
    async () => here(await new World().node("Unknown", { heard: -4000 }), { certificateEndsMs: NOW - 3_600_000 }),
  ],
  [
    "a clock that is ahead",
    "machine",
    "WHY_NODE_CLOCK",
    /60m ahead/,
    async () => {
      const world = new World();
      await world.add(nodes, {
        apiVersion: "v1",
        kind: "Node",
        metadata: { name: NODE },
        status: { conditions: [{ type: "Ready", status: "True", lastHeartbeatTime: at(3600) }] },
      });
      return world;
    },
  ],
  [
    "a clock that is behind",
    "machine",
    "WHY_NODE_CLOCK",
    /60m behind/,
    async () => {
      const world = new World();
      await world.add(nodes, {
        apiVersion: "v1",
        kind: "Node",
        metadata: { name: NODE },
        status: { conditions: [{ type: "Ready", status: "True", lastHeartbeatTime: at(-3600) }] },
      });
      await world.add(leases, {
        apiVersion: "coordination.k8s.io/v1",
        kind: "Lease",
        metadata: { name: NODE, namespace: "kube-node-lease" },
        spec: { renewTime: at(-3) },
      });
      return world;
    },
  ],
  [
    "a pulled cable",
    "link",
    "WHY_NODE_CUT",
    /link cut/,
    async () => here(await new World().node(), { isLinkCut: true }),
  ],
  [
    "a node that is cut off",
    "link",
    "WHY_NODE_OFFLINE",
    /not heard of the node for 5m/,
    () => new World().node("Unknown", { heard: -300 }),
  ],
  [
    "a node that has just been cut off",
    "link",
    "WHY_NODE_OFFLINE",
    /for 30s/,
    () => new World().node("True", { heard: -30 }),
  ],
  [
    "a node without a pod network",
    "can run pods",
    "WHY_NODE_NO_CNI",
    /cni plugin not initialized/,
    () => new World().node("False", { message: "container runtime is not ready: cni plugin not initialized" }),
  ],
  [
    "a runtime that is down",
    "can run pods",
    "WHY_NODE_NOT_READY",
    /runtime is down/,
    () => new World().node("False", { message: "container runtime is down: it does not answer" }),
  ],
  [
    "a node that was revoked",
    "registered",
    "WHY_NODE_REVOKED",
    /revoked \("stolen"\)/,
    async () => (await new World().node("Unknown", { heard: -300 })).revoked(-298),
  ],
  [
    "a CloudCore that does not run",
    "link",
    "WHY_CLOUD_PROCESS",
    /cloudcore does not run: it ended/,
    async () => {
      const world = await new World().node("Unknown", { heard: -300 });
      world.cloud = [{ name: "cloudcore", isRunning: false, reason: "it ended" }];
      return world;
    },
  ],
  [
    "a full disk",
    "has room",
    "WHY_NODE_DISK_FULL",
    /disk is nearly full/,
    () => new World().node("True", { conditions: [{ type: "DiskPressure", status: "True" }] }),
  ],
  [
    "a full disk that was not reported yet",
    "machine",
    "WHY_NODE_DISK_FULL",
    /disk is full/,
    async () => here(await new World().node(), { diskFreeShare: 0.001 }),
  ],
  [
    "memory that is used up",
    "has room",
    "WHY_NODE_MEMORY_FULL",
    /memory/,
    () => new World().node("True", { conditions: [{ type: "MemoryPressure", status: "True" }] }),
  ],
  [
    "a cordoned node",
    "takes new pods",
    "WHY_NODE_CORDONED",
    /cordoned/,
    () => new World().node("True", { spec: { unschedulable: true } }),
  ],
];

function here(world: World, change: Partial<LocalFacts>): World {
  world.local = { ...healthy, ...change };
  return world;
}

for (const [fault, title, code, found, plant] of nodeFaults)
  test(`why names ${fault} as a node's first broken step`, async () => {
    assertBroken(await (await plant()).whyNode(), title, code, found);
  });

test("a node that joined again after its revocation is whole", async () => {
  const world = await (await new World().node()).revoked(-3600);
  assert.equal((await world.whyNode()).state, "whole");
});

test("one CloudCore of several that does not run is no node's fault", async () => {
  const world = await new World().node();
  world.cloud = [
    { name: "cloudcore", isRunning: false, reason: "it ended" },
    { name: "cloudcore 2", isRunning: true, reason: "" },
  ];
  assert.equal((await world.whyNode()).state, "whole");
});
