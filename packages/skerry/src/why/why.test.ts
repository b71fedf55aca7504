// Planted faults: of each, `why` must name the first broken step.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import {
  configMaps,
  type Device,
  deployments,
  deviceModels,
  devices,
  events,
  type KubernetesObject,
  leases,
  nodes,
  pods,
  type ResourceReference,
} from "@skerry/api";
import { MemoryKubernetesApi } from "@skerry/kube/testing";
import { type Explanation, explain } from "./chain.ts";
import { deviceLinks } from "./device-links.ts";
import { explanationLines } from "./explanation-text.ts";
import type { LocalFacts } from "./facts.ts";
import { gatherDevice, gatherNode, gatherPod } from "./gather.ts";
import { nodeLinks } from "./node-links.ts";
import { podLinks } from "./pod-links.ts";

const NOW = Date.UTC(2026, 0, 31, 8);
const at = (seconds: number): string => new Date(NOW + seconds * 1000).toISOString().replace(".000", "");
const NODE = "edge-1";
const healthy: LocalFacts = {
  isLinkCut: false,
  processes: [{ name: `edgecore ${NODE}`, isRunning: true, reason: "" }],
  certificateEndsMs: NOW + 86_400_000,
  diskFreeShare: 0.5,
};

/** A cluster in memory with one healthy node, and what a fault changes. */
class World {
  readonly api: MemoryKubernetesApi = new MemoryKubernetesApi({ now: () => NOW });
  local: LocalFacts = healthy;
  #eventCount = 0;

  get sources() {
    return { api: this.api, clock: { now: () => NOW }, local: async () => this.local };
  }

  async add(resource: ResourceReference, object: object): Promise<void> {
    const full = object as KubernetesObject;
    const { namespace } = full.metadata;
    await this.api.create({ resource, ...(namespace ? { namespace } : {}) }, full);
  }

  async node(
    ready = "True",
    change: { spec?: object; conditions?: object[]; message?: string; heard?: number } = {},
  ): Promise<this> {
    const { spec = {}, conditions = [], message = "edge is posting ready status", heard = -5 } = change;
    const condition = { type: "Ready", status: ready, message, lastHeartbeatTime: at(-60) };
    await this.add(nodes, {
      apiVersion: "v1",
      kind: "Node",
      metadata: { name: NODE, labels: { "kubernetes.io/hostname": NODE } },
      spec,
      status: { conditions: [condition, ...conditions] },
    });
    await this.add(leases, {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: { name: NODE, namespace: "kube-node-lease" },
      spec: { renewTime: at(heard) },
    });
    return this;
  }

  async pod(spec: object, status: object, metadata: object = {}): Promise<this> {
    await this.add(pods, {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "web", namespace: "default", creationTimestamp: at(-300), ...metadata },
      spec: { containers: [{ name: "app", image: "app:1" }], ...spec },
      status: { phase: "Pending", startTime: at(-290), ...status },
    });
    return this;
  }

  async event(reason: string, message: string, name = "web"): Promise<this> {
    this.#eventCount++;
    await this.add(events, {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name: `${name}.${this.#eventCount}`, namespace: "default" },
      involvedObject: { name },
      reason,
      message,
      lastTimestamp: at(-100 + this.#eventCount),
    });
    return this;
  }

  async whyPod(name = "web"): Promise<Explanation> {
    const facts = await gatherPod(this.sources, "default", name);
    return explain("pod", podLinks, facts);
  }

  async whyNode(): Promise<Explanation> {
    return explain("node", nodeLinks, await gatherNode(this.sources, NODE));
  }

  async whyDevice(): Promise<Explanation> {
    return explain("device", deviceLinks, await gatherDevice(this.sources, "default", "thermometer"));
  }
}

/** The first step that is not whole: its title, code and what was found. */
function firstBroken({ steps }: Explanation): { title: string; code: string; found: string; advice: string } {
  const step = steps.find(({ state }) => state !== "whole");
  assert.ok(step && "code" in step, JSON.stringify(steps));
  return step;
}

function assertBroken(explanation: Explanation, title: string, code: string, found: RegExp): void {
  const broken = firstBroken(explanation);
  assert.equal(broken.code, code);
  assert.equal(broken.title, title);
  assert.match(broken.found, found);
  assert.ok(broken.advice.length > 10);
}

const waitingFor = (reason: string, message = "", image = "app:1") => ({
  containerStatuses: [{ name: "app", ready: false, restartCount: 0, image, state: { waiting: { reason, message } } }],
});
const unschedulable = (message: string) => ({
  conditions: [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message }],
});
const running = {
  phase: "Running",
  podIP: "10.0.0.2",
  containerStatuses: [{ name: "app", ready: true, restartCount: 0, image: "app:1", state: { running: {} } }],
};

test("a pod, a node and a device that are as asked are whole", async () => {
  const world = await (await new World().node()).pod({ nodeName: NODE }, running);
  assert.equal((await world.whyPod()).state, "whole");
  assert.equal((await world.whyNode()).state, "whole");
});

const podFaults: readonly (readonly [
  fault: string,
  title: string,
  code: string,
  found: RegExp,
  plant: (world: World) => Promise<unknown>,
])[] = [
  [
    "a wrong image",
    "started",
    "WHY_POD_IMAGE",
    /app:1 .*no such host/,
    async (world) => {
      await world.pod({ nodeName: NODE }, waitingFor("ImagePullBackOff", "Back-off pulling image"));
      await world.event("Failed", 'Failed to pull image "app:1": no such host');
      await world.event("Failed", "Error: ErrImagePull");
    },
  ],
  [
    "an image name that is none",
    "started",
    "WHY_POD_IMAGE_NAME",
    /"APP::" .*no name/,
    (world) => world.pod({ nodeName: NODE }, waitingFor("InvalidImageName", "", "APP::")),
  ],
  [
    "an image that may not be pulled and is not there",
    "started",
    "WHY_POD_IMAGE_NOT_PRESENT",
    /Never/,
    (world) => world.pod({ nodeName: NODE }, waitingFor("ErrImageNeverPull")),
  ],
  [
    "a registry that refuses",
    "started",
    "WHY_POD_IMAGE_DENIED",
    /registry does not let/,
    (world) => world.pod({ nodeName: NODE }, waitingFor("ErrImagePull", "401 Unauthorized: authentication required")),
  ],
  [
    "a missing image pull Secret",
    "what it needs",
    "WHY_POD_PULL_SECRET_MISSING",
    /default\/regcred/,
    (world) => world.pod({ nodeName: NODE, imagePullSecrets: [{ name: "regcred" }] }, waitingFor("ImagePullBackOff")),
  ],
  [
    "a disk that is full while the image is unpacked",
    "started",
    "WHY_NODE_DISK_FULL",
    /no space left/,
    (world) => world.pod({ nodeName: NODE }, waitingFor("ErrImagePull", "write: no space left on device")),
  ],
  [
    "no CNI on the node",
    "network",
    "WHY_POD_NO_CNI",
    /cni/i,
    async (world) => {
      await world.pod({ nodeName: NODE }, {});
      await world.event("FailedCreatePodSandBox", "cni plugin not initialized");
    },
  ],
  [
    "a missing ConfigMap",
    "what it needs",
    "WHY_POD_OBJECT_MISSING",
    /ConfigMap default\/settings/,
    (world) =>
      world.pod(
        {
          nodeName: NODE,
          containers: [{ name: "app", image: "app:1", envFrom: [{ configMapRef: { name: "settings" } }] }],
        },
        waitingFor("CreateContainerConfigError", 'configmap "settings" not found'),
      ),
  ],
  [
    "a missing key of a ConfigMap",
    "what it needs",
    "WHY_POD_CONFIG",
    /key level/,
    async (world) => {
      await world.add(configMaps, {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "settings", namespace: "default" },
      });
      await world.pod(
        { nodeName: NODE, volumes: [{ name: "v", configMap: { name: "settings" } }] },
        waitingFor("CreateContainerConfigError", "couldn't find key level in ConfigMap"),
      );
    },
  ],
  [
    "a volume that cannot be mounted",
    "network",
    "WHY_POD_VOLUME",
    /hostPath/,
    async (world) => {
      await world.pod({ nodeName: NODE }, {});
      await world.event("FailedMount", "hostPath /x is not a directory");
    },
  ],
  [
    "a bad selector",
    "has a node",
    "WHY_POD_SELECTOR",
    /no node has disk=ssd/,
    (world) =>
      world.pod(
        { nodeSelector: { disk: "ssd", "kubernetes.io/hostname": NODE } },
        unschedulable("0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector."),
      ),
  ],
  [
    "too large requests",
    "has a node",
    "WHY_POD_RESOURCES",
    /enough cpu, memory left/,
    (world) => world.pod({}, unschedulable("0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory.")),
  ],
  [
    "a hostPort that is taken",
    "has a node",
    "WHY_POD_PORT_TAKEN",
    /hostPort/,
    (world) =>
      world.pod(
        {},
        unschedulable("0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports."),
      ),
  ],
  [
    "another reason of the scheduler",
    "has a node",
    "WHY_POD_NOT_SCHEDULED",
    /anti-affinity/,
    (world) => world.pod({}, unschedulable("0/1 nodes are available: 1 node(s) didn't match pod anti-affinity rules.")),
  ],
  [
    "a command that does not exist",
    "alive",
    "WHY_POD_START",
    /nosuch.*not found/,
    (world) =>
      world.pod(
        { nodeName: NODE },
        {
          phase: "Running",
          containerStatuses: [
            {
              name: "app",
              ready: false,
              restartCount: 2,
              image: "app:1",
              state: { waiting: { reason: "CrashLoopBackOff" } },
              lastState: {
                terminated: {
                  exitCode: 128,
                  reason: "StartError",
                  message: 'exec: "nosuch": executable file not found',
                },
              },
            },
          ],
        },
      ),
  ],
  [
    "an app that crashes",
    "alive",
    "WHY_POD_CRASH_LOOP",
    /exit code 4, 7 times/,
    (world) =>
      world.pod(
        { nodeName: NODE },
        {
          phase: "Running",
          containerStatuses: [
            {
              name: "app",
              ready: false,
              restartCount: 7,
              image: "app:1",
              state: { waiting: { reason: "CrashLoopBackOff" } },
              lastState: { terminated: { exitCode: 4, reason: "Error" } },
            },
          ],
        },
      ),
  ],
  [
    "an app that needs too much memory",
    "alive",
    "WHY_POD_OUT_OF_MEMORY",
    /want of memory/,
    (world) =>
      world.pod(
        { nodeName: NODE },
        {
          phase: "Running",
          containerStatuses: [
            {
              name: "app",
              ready: false,
              restartCount: 1,
              image: "app:1",
              state: { waiting: { reason: "CrashLoopBackOff" } },
              lastState: { terminated: { exitCode: 137, reason: "OOMKilled" } },
            },
          ],
        },
      ),
  ],
  [
    "a failing probe",
    "ready",
    "WHY_POD_PROBE",
    /statuscode: 404/,
    async (world) => {
      await world.pod(
        { nodeName: NODE },
        { ...running, containerStatuses: [{ ...running.containerStatuses[0], ready: false }] },
      );
      await world.event("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 404");
    },
  ],
  [
    "a pod that nobody asked for",
    "asked for",
    "WHY_POD_UNKNOWN",
    /no pod, Deployment or ReplicaSet web/,
    async () => {},
  ],
  [
    "a pod that the node does not let go",
    "wanted",
    "WHY_POD_BEING_DELETED",
    /should have ended 2m ago|should have ended 120s ago/,
    (world) =>
      world.pod({ nodeName: NODE }, running, { deletionTimestamp: at(-120), finalizers: ["example.org/keep"] }),
  ],
];

for (const [fault, title, code, found, plant] of podFaults)
  test(`why names ${fault} as a pod's first broken step`, async () => {
    const world = await new World().node();
    await plant(world);
    assertBroken(await world.whyPod(), title, code, found);
  });

test("why names a quota, replicas of 0 and a template that is not admitted where no pod was made", async () => {
  const workload = (replicas: number) => ({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web", namespace: "default" },
    spec: { replicas },
  });
  const quota = await new World().node();
  await quota.add(deployments, workload(1));
  await quota.event(
    "FailedCreate",
    'pods "web-1" is forbidden: exceeded quota: small, used: pods=1, limited: pods=1',
    "web-6d8f",
  );
  assertBroken(await quota.whyPod(), "asked for", "WHY_POD_QUOTA", /exceeded quota: small/);
  const invalid = await new World().node();
  await invalid.add(deployments, workload(1));
  await invalid.event("FailedCreate", 'Pod "web-1" is invalid', "web-6d8f");
  assertBroken(await invalid.whyPod(), "asked for", "WHY_POD_NOT_ADMITTED", /is invalid/);
  const none = await new World().node();
  await none.add(deployments, workload(0));
  assertBroken(await none.whyPod(), "asked for", "WHY_POD_NONE_WANTED", /replicas are 0/);
});

test("why names a taint, a cordoned and an offline node that keep a pod away", async () => {
  const taints = [
    ["dedicated", "gpu", "NoSchedule", "WHY_POD_TAINT", /dedicated=gpu:NoSchedule on edge-1/],
    ["node.kubernetes.io/unschedulable", "", "NoSchedule", "WHY_POD_NODE_CORDONED", /cordoned/],
    ["node.kubernetes.io/unreachable", "", "NoSchedule", "WHY_POD_NODE_NOT_READY", /offline \(edge-1\)/],
  ] as const;
  for (const [key, value, effect, code, found] of taints) {
    const world = await new World().node("True", { spec: { taints: [{ key, value, effect }] } });
    const refusal = `0/1 nodes are available: 1 node(s) had untolerated taint {${key}: ${value}}.`;
    await world.pod({ tolerations: [{ key: "other", operator: "Exists" }] }, unschedulable(refusal));
    assertBroken(await world.whyPod(), "has a node", code, found);
  }
});

test("why names no node at all as a pod's first broken step", async () => {
  const world = await new World().pod({}, unschedulable("no nodes available to schedule pods"));
  assertBroken(await world.whyPod(), "has a node", "WHY_POD_NO_NODES", /no node at all/);
});

test("a pod of a moment ago is on its way, not broken; one that stays so is", async () => {
  const young = await (await new World().node()).pod(
    { nodeName: NODE },
    { ...waitingFor("ContainerCreating"), startTime: at(-3) },
  );
  const explanation = await young.whyPod();
  assert.equal(explanation.state, "waiting");
  const old = await (await new World().node()).pod({ nodeName: NODE }, waitingFor("ContainerCreating"));
  assertBroken(await old.whyPod(), "started", "WHY_POD_STARTING", /being made/);
  assert.equal((await old.whyPod()).state, "broken");
});

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
    "a full disk",
    "has room",
    "WHY_NODE_DISK_FULL",
    /disk is nearly full/,
    () => new World().node("True", { conditions: [{ type: "DiskPressure", status: "True" }] }),
  ],
  [
    "a full disk that was not reported yet",
    "has room",
    "WHY_NODE_DISK_FULL",
    /disk is nearly full/,
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

test("what is wrong with its node is a pod's first broken step, before what the pod last said", async () => {
  const world = await new World().node("Unknown", { heard: -300 });
  await world.pod({ nodeName: NODE }, waitingFor("ImagePullBackOff"));
  assertBroken(await world.whyPod(), "node", "WHY_NODE_OFFLINE", /^node edge-1: the cloud has not heard/);
});

const model = {
  apiVersion: "devices.kubeedge.io/v1beta1",
  kind: "DeviceModel",
  metadata: { name: "thermometer", namespace: "default" },
  spec: {
    properties: [
      { name: "temperature", type: "FLOAT", accessMode: "ReadOnly" },
      { name: "target", type: "FLOAT", accessMode: "ReadWrite", minimum: "5", maximum: "30" },
    ],
  },
};
const twin = (propertyName: string, value: string, observed?: string, seconds = -3) => ({
  propertyName,
  reported: { value, metadata: { timestamp: String(NOW + seconds * 1000) } },
  ...(observed === undefined
    ? {}
    : { observedDesired: { value: observed, metadata: { timestamp: String(NOW - 60_000) } } }),
});
const device = (spec: Device["spec"] = {}, status: object = {}): object => ({
  apiVersion: "devices.kubeedge.io/v1beta1",
  kind: "Device",
  metadata: { name: "thermometer", namespace: "default", creationTimestamp: at(-600) },
  spec: {
    deviceModelRef: { name: "thermometer" },
    nodeName: NODE,
    protocol: { protocolName: "modbus" },
    properties: [{ name: "temperature" }, { name: "target", desired: { value: "21" } }],
    ...spec,
  },
  status: { state: "online", twins: [twin("temperature", "19.5"), twin("target", "21.0", "21")], ...status },
});

const deviceFaults: readonly (readonly [
  fault: string,
  title: string,
  code: string,
  found: RegExp,
  plant: object | undefined,
])[] = [
  ["a device that does not exist", "asked for", "WHY_DEVICE_UNKNOWN", /no device thermometer/, undefined],
  ["a device without a model", "model", "WHY_DEVICE_NO_MODEL", /names no model/, device({ deviceModelRef: {} })],
  [
    "a missing model",
    "model",
    "WHY_DEVICE_MODEL_MISSING",
    /default\/gone/,
    device({ deviceModelRef: { name: "gone" } }),
  ],
  [
    "a property that the model lacks",
    "model",
    "WHY_DEVICE_PROPERTY_UNKNOWN",
    /no property humidity/,
    device({ properties: [{ name: "humidity" }] }),
  ],
  [
    "a desired value of a read-only property",
    "model",
    "WHY_DEVICE_READ_ONLY",
    /temperature is read-only/,
    device({ properties: [{ name: "temperature", desired: { value: "1" } }] }),
  ],
  [
    "a desired value out of range",
    "model",
    "WHY_DEVICE_OUT_OF_RANGE",
    /should be 99.*5 to 30/,
    device({ properties: [{ name: "target", desired: { value: "99" } }] }),
  ],
  ["a device on no node", "has a node", "WHY_DEVICE_NO_NODE", /on no node/, device({ nodeName: "" })],
  [
    "a node that does not exist",
    "has a node",
    "WHY_DEVICE_NODE_UNKNOWN",
    /gone does not exist/,
    device({ nodeName: "gone" }),
  ],
  [
    "a driver that was never started",
    "driver",
    "WHY_DEVICE_NO_DRIVER",
    /nothing has ever reported/,
    { ...device(), status: {} },
  ],
  [
    "a device that is offline",
    "driver",
    "WHY_DEVICE_OFFLINE",
    /offline, last there 10m ago/,
    device({}, { state: "offline", lastOnlineTime: at(-600) }),
  ],
  [
    "a driver that has crashed",
    "driver",
    "WHY_DEVICE_DRIVER_SILENT",
    /no value has come for 20m/,
    device({}, { twins: [twin("temperature", "19", undefined, -1200)] }),
  ],
  [
    "a device that does not obey",
    "does as asked",
    "WHY_DEVICE_NOT_OBEYING",
    /should be 21, the device says 18/,
    device({}, { twins: [twin("target", "18", "21")] }),
  ],
  [
    "a wish that is on its way",
    "does as asked",
    "WHY_DEVICE_DESIRED_NOT_SEEN",
    /not confirmed the wish/,
    device({}, { twins: [twin("target", "18", "18")] }),
  ],
];

for (const [fault, title, code, found, plant] of deviceFaults)
  test(`why names ${fault} as a device's first broken step`, async () => {
    const world = await new World().node();
    await world.add(deviceModels, model);
    if (plant) await world.add(devices, plant);
    assertBroken(await world.whyDevice(), title, code, found);
  });

test("a device that does as asked is whole, and one on a node that is cut off says that", async () => {
  const world = await new World().node();
  await world.add(deviceModels, model);
  await world.add(devices, device());
  assert.equal((await world.whyDevice()).state, "whole");
  world.local = { ...healthy, isLinkCut: true };
  assertBroken(await world.whyDevice(), "node", "WHY_NODE_CUT", /node edge-1: the cable is pulled/);
});

test("an explanation is one screen: marks, the first broken step, what to do", async () => {
  const world = await new World().node("Unknown", { heard: -300 });
  const lines = explanationLines(await world.whyNode());
  assert.ok(lines.length < 20);
  assert.equal(lines[1], "✓ registered      the cloud knows the node");
  assert.match(
    lines.join("\n"),
    /\n✗ link .*\n· can run pods .*\n[\s\S]*First broken step: link \(WHY_NODE_OFFLINE\)\n {2}.*\nWhat to do: /,
  );
});

test("every code that why can give is in docs/why.md, and no other", () => {
  const read = (path: string): string => readFileSync(fileURLToPath(new URL(path, import.meta.url)), "utf8");
  const given = new Set(
    ["container-rules", "device-links", "node-links", "pod-links", "scheduling-rules"].flatMap((name) =>
      [...read(`./${name}.ts`).matchAll(/"(WHY_\w+)"/g)].map(([, code]) => code),
    ),
  );
  const told = new Set(
    [...read("../../../../docs/why.md").matchAll(/^\|(.*?)\|/gm)].flatMap(([, cell = ""]) =>
      [...cell.matchAll(/WHY_\w+/g)].map(([code]) => code),
    ),
  );
  assert.deepEqual([...told].sort(), [...given].sort());
});
