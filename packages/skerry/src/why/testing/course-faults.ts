import { type PodFault, running, unschedulable, waitingFor } from "./pod-faults.ts";
import { at, NODE } from "./world.ts";

/** What is wrong with a pod before it has its node, and once its app has begun. */
export const courseFaults: readonly PodFault[] = [
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
    "new resources that the node has no room for",
    "resources",
    "WHY_POD_RESIZE_PENDING",
    /keeps the resources it had: .*requested: 800, used: 1500/,
    async (world) => {
      const message = "Node didn't have enough resource: cpu, requested: 800, used: 1500, capacity: 2000";
      const condition = { type: "PodResizePending", status: "True", reason: "Deferred", message } as const;
      await world.pod({ nodeName: NODE }, { ...running, conditions: [condition] });
    },
  ],
  [
    "new resources that the runtime refuses",
    "resources",
    "WHY_POD_RESIZE_REFUSED",
    /device or resource busy/,
    async (world) => {
      const message = "Resizing app failed: device or resource busy";
      const condition = { type: "PodResizeInProgress", status: "True", reason: "Error", message } as const;
      await world.pod({ nodeName: NODE }, { ...running, conditions: [condition] });
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
