import type { World } from "./world.ts";

/** A fault, and what `why` must name as the pod's first broken step. */
export type PodFault = readonly [
  fault: string,
  title: string,
  code: string,
  found: RegExp,
  plant: (world: World) => Promise<unknown>,
];

/** The status of a pod whose container waits. */
export const waitingFor = (reason: string, message = "", image = "app:1"): object => ({
  containerStatuses: [{ name: "app", ready: false, restartCount: 0, image, state: { waiting: { reason, message } } }],
});

/** The status of a pod that the scheduler cannot place. */
export const unschedulable = (message: string): object => ({
  conditions: [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message }],
});

/** The status of a pod that does what it should. */
export const running = {
  phase: "Running",
  podIP: "10.0.0.2",
  containerStatuses: [{ name: "app", ready: true, restartCount: 0, image: "app:1", state: { running: {} } }],
} as const;
