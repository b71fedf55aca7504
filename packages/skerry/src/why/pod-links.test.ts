// Planted faults of pods: of each, `why` must name the first broken step.
import assert from "node:assert/strict";
import { test } from "node:test";
import { configMaps, persistentVolumeClaims } from "@skerry/api";
import { assertBroken, at, NODE, World } from "./testing/world.ts";

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

test("a pod and a node that are as asked are whole", async () => {
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
    /volume node affinity conflict/,
    (world) => world.pod({}, unschedulable("0/1 nodes are available: 1 node(s) had volume node affinity conflict.")),
  ],
  [
    "a pod that may not be beside another",
    "has a node",
    "WHY_POD_AFFINITY",
    /required pod anti-affinity/,
    (world) => world.pod({}, unschedulable("0/1 nodes are available: 1 node(s) didn't match pod anti-affinity rules.")),
  ],
  [
    "a scheduling gate",
    "has a node",
    "WHY_POD_GATED",
    /example\.com\/wait/,
    (world) => world.pod({ schedulingGates: [{ name: "example.com/wait" }] }, {}),
  ],
  [
    "a scheduler that does not exist",
    "has a node",
    "WHY_POD_SCHEDULER_UNKNOWN",
    /my-scheduler/,
    (world) => world.pod({ schedulerName: "my-scheduler" }, {}),
  ],
  [
    "a claim that is not bound",
    "what it needs",
    "WHY_POD_CLAIM_UNBOUND",
    /default\/data has no volume: it is Pending, of storage class fast/,
    async (world) => {
      await world.add(persistentVolumeClaims, {
        apiVersion: "v1",
        kind: "PersistentVolumeClaim",
        metadata: { name: "data", namespace: "default" },
        spec: { storageClassName: "fast" },
        status: { phase: "Pending" },
      });
      const volumes = [{ name: "data", persistentVolumeClaim: { claimName: "data" } }];
      await world.pod({ nodeName: NODE, volumes }, { phase: "Pending" });
    },
  ],
  [
    "a container that may not run as root",
    "what it needs",
    "WHY_POD_RUNS_AS_ROOT",
    /would run as root/,
    (world) =>
      world.pod({ nodeName: NODE }, waitingFor("CreateContainerConfigError", "runAsNonRoot: it would run as root")),
  ],
  [
    "an init container that crashes",
    "alive",
    "WHY_POD_CRASH_LOOP",
    /container prepare ends with exit code 5/,
    (world) =>
      world.pod(
        { nodeName: NODE },
        {
          ...waitingFor("PodInitializing"),
          phase: "Pending",
          initContainerStatuses: [
            {
              name: "prepare",
              ready: false,
              restartCount: 2,
              image: "app:1",
              state: { waiting: { reason: "CrashLoopBackOff" } },
              lastState: { terminated: { exitCode: 5, reason: "Error" } },
            },
          ],
        },
      ),
  ],
  [
    "a failing liveness probe, between two restarts",
    "alive",
    "WHY_POD_LIVENESS",
    /Liveness probe failed: no answer/,
    async (world) => {
      await world.pod(
        { nodeName: NODE },
        { ...running, containerStatuses: [{ ...running.containerStatuses[0], restartCount: 3 }] },
      );
      await world.event("Unhealthy", "Liveness probe failed: no answer");
    },
  ],
  [
    "a failing postStart hook",
    "started",
    "WHY_POD_HOOK",
    /exit code 1/,
    async (world) => {
      await world.pod({ nodeName: NODE }, waitingFor("CrashLoopBackOff"));
      await world.event("FailedPostStartHook", "PostStartHook failed: exit code 1");
    },
  ],
  [
    "a readiness gate that is closed",
    "ready",
    "WHY_POD_READINESS_GATE",
    /example\.com\/ready/,
    (world) => world.pod({ nodeName: NODE, readinessGates: [{ conditionType: "example.com/ready" }] }, running),
  ],
  [
    "a finalizer",
    "wanted",
    "WHY_POD_FINALIZER",
    /example\.org\/keep/,
    (world) =>
      world.pod(
        { nodeName: NODE },
        { ...running, phase: "Succeeded" },
        { deletionTimestamp: at(-120), finalizers: ["example.org/keep"] },
      ),
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

test("what is wrong with its node is a pod's first broken step, before what the pod last said", async () => {
  const world = await new World().node("Unknown", { heard: -300 });
  await world.pod({ nodeName: NODE }, waitingFor("ImagePullBackOff"));
  assertBroken(await world.whyPod(), "node", "WHY_NODE_OFFLINE", /^node edge-1: the cloud has not heard/);
});
