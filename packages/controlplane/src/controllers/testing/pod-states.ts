import { type Pod, pods } from "@skerry/api";
import type { JsonObject } from "@skerry/base";
import type { ControllerWorld } from "./controller-world.ts";

/** The pods in namespace `default`, by name. */
export async function listPods(world: ControllerWorld): Promise<Pod[]> {
  return (await world.api.list<Pod>({ resource: pods, namespace: "default" })).items;
}

/** Plays a node that has something to say about a pod. */
export async function setPodStatus(world: ControllerWorld, pod: Pod, status: JsonObject): Promise<void> {
  const { namespace = "", name } = pod.metadata;
  const target = { resource: pods, namespace, name, subresource: "status" };
  await world.api.patch(target, { type: "merge", body: { status } });
  await world.clock.settle();
}

/** A pod's containers have ended with this exit code. */
export function ended(world: ControllerWorld, exitCode: number): JsonObject {
  const finishedAt = new Date(world.clock.now()).toISOString();
  const state = { terminated: { exitCode, finishedAt } };
  return {
    phase: exitCode === 0 ? "Succeeded" : "Failed",
    containerStatuses: [{ name: "c", ready: false, restartCount: 0, image: "i", imageID: "", state }],
  };
}

/** The pod's containers run and are ready. */
export function ready(world: ControllerWorld): JsonObject {
  const lastTransitionTime = new Date(world.clock.now()).toISOString();
  return { phase: "Running", conditions: [{ type: "Ready", status: "True", lastTransitionTime }] };
}
