import { type KubernetesObject, type Node, type Pod, pods as podsResource } from "@skerry/api";
import { type Logger, toKubernetesTime } from "@skerry/base";
import { asJson, isApiError, jsonEqual, objectKey, WorkQueue } from "@skerry/kube";
import { BY_NODE, type ClusterInformers } from "../controllers/cluster-informers.ts";
import type { Controller, ControllerPorts } from "../controllers/controller-ports.ts";
import { EventRecorder } from "../controllers/event-recorder.ts";
import { isPodFinished, podCondition } from "../controllers/pod-state.ts";
import { type NodeView, placePod } from "./placement.ts";

const FIELD_MANAGER = "kube-scheduler";
const SCHEDULER_NAME = "default-scheduler";
/** A pod that fits nowhere is looked at again after this even when nothing seems to have changed. */
const RETRY_UNSCHEDULABLE_MS = 60_000;

/** Binds pods without a node to one that fits. */
export class Scheduler implements Controller {
  readonly #ports: ControllerPorts;
  readonly #informers: ClusterInformers;
  readonly #logger: Logger;
  readonly #events: EventRecorder;
  /** One at a time: each decision sees the ones before it. */
  readonly #queue: WorkQueue;
  /** Pods bound (or perhaps bound) that the cache shows without a node yet: UID to node. */
  readonly #assumed = new Map<string, { readonly pod: Pod; readonly nodeName: string }>();
  /** Keys of pods that fit nowhere at the moment. */
  readonly #unschedulable = new Set<string>();
  readonly #listening = new DisposableStack();

  constructor(ports: ControllerPorts, informers: ClusterInformers) {
    this.#ports = ports;
    this.#informers = informers;
    this.#logger = ports.logger.child("scheduler");
    this.#events = new EventRecorder(ports, SCHEDULER_NAME);
    this.#queue = new WorkQueue({
      ...ports,
      logger: this.#logger,
      work: (key, signal) => this.#schedule(key, signal),
      retry: { initialMs: 100, maximumMs: 10_000 },
    });
  }

  start(): void {
    this.#listening.use(
      this.#informers.pods.listen((event) => {
        const { object: pod } = event;
        const key = objectKey(pod);
        if (event.type === "deleted" || pod.spec.nodeName) {
          this.#assumed.delete(pod.metadata.uid ?? "");
          this.#unschedulable.delete(key);
          // Room was made, or a pod came that others want to be near.
          if (event.type === "deleted" || isPodFinished(pod) || event.type === "added") this.#retryUnschedulable();
          return;
        }
        const isSpecChange = event.type !== "updated" || !jsonEqual(asJson(event.before.spec), asJson(pod.spec));
        if (needsNode(pod) && (isSpecChange || !this.#unschedulable.has(key))) this.#queue.add(key);
      }),
    );
    this.#listening.use(
      this.#informers.nodes.listen((event) => {
        if (event.type !== "updated" || matters(event.before, event.object)) this.#retryUnschedulable();
      }),
    );
    this.#queue.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listening.dispose();
    await this.#queue[Symbol.asyncDispose]();
    await this.#events[Symbol.asyncDispose]();
  }

  #retryUnschedulable(): void {
    for (const key of this.#unschedulable) this.#queue.add(key);
  }

  async #schedule(key: string, signal: AbortSignal): Promise<void> {
    const pod = this.#informers.pods.cache.get(key);
    if (!pod || !needsNode(pod) || this.#assumed.has(pod.metadata.uid ?? "")) {
      if (!pod || pod.spec.nodeName) this.#unschedulable.delete(key);
      return;
    }
    const placement = placePod(pod, this.#nodeViews());
    if (placement.kind === "nowhere") {
      this.#unschedulable.add(key);
      this.#queue.addAfter(key, RETRY_UNSCHEDULABLE_MS);
      await this.#tellUnschedulable(pod, placement.message, signal);
      return;
    }
    this.#unschedulable.delete(key);
    await this.#bind(pod, placement.name, signal);
  }

  #nodeViews(): NodeView[] {
    const { nodes, pods } = this.#informers;
    const assumed = [...this.#assumed.values()];
    return nodes.cache.list().map((node) => {
      const { name } = node.metadata;
      const bound = pods.cache.byIndex(BY_NODE, name).filter((pod) => !isPodFinished(pod));
      return { node, pods: [...bound, ...assumed.filter(({ nodeName }) => nodeName === name).map(({ pod }) => pod)] };
    });
  }

  async #bind(pod: Pod, nodeName: string, signal: AbortSignal): Promise<void> {
    const { namespace = "", name, uid = "" } = pod.metadata;
    const binding: KubernetesObject & { target: object } = {
      apiVersion: "v1",
      kind: "Binding",
      metadata: { name, namespace, uid },
      target: { apiVersion: "v1", kind: "Node", name: nodeName },
    };
    this.#assumed.set(uid, { pod, nodeName });
    try {
      await this.#ports.api.createSubresource(
        { resource: podsResource, namespace, name, subresource: "binding" },
        binding,
        {
          signal,
          fieldManager: FIELD_MANAGER,
        },
      );
    } catch (error) {
      // Bound already (by an earlier try whose answer was lost, or by another) or gone: the cache will show it.
      this.#assumed.delete(uid);
      if (isApiError(error, "Conflict") || isApiError(error, "NotFound")) return;
      throw error;
    }
    this.#logger.info("Pod bound to a node", { namespace, pod: name, node: nodeName });
    this.#events.record(pod, "Normal", "Scheduled", `Successfully assigned ${namespace}/${name} to ${nodeName}`);
  }

  async #tellUnschedulable(pod: Pod, message: string, signal: AbortSignal): Promise<void> {
    const current = podCondition(pod, "PodScheduled");
    if (current?.status === "False" && current.message === message) return;
    this.#events.record(pod, "Warning", "FailedScheduling", message);
    const { namespace = "", name, uid = "" } = pod.metadata;
    const now = toKubernetesTime(this.#ports.clock.now());
    const lastTransitionTime = current?.status === "False" ? (current.lastTransitionTime ?? now) : now;
    const condition = {
      type: "PodScheduled",
      status: "False",
      reason: "Unschedulable",
      message,
      lastProbeTime: null,
      lastTransitionTime,
      ...(pod.metadata.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
    };
    const body = { metadata: { uid }, status: { conditions: [condition] } };
    try {
      const target = { resource: podsResource, namespace, name, subresource: "status" };
      await this.#ports.api.patch(target, { type: "strategic", body }, { signal, fieldManager: FIELD_MANAGER });
    } catch (error) {
      if (!isApiError(error, "NotFound") && !isApiError(error, "Conflict")) throw error;
    }
  }
}

/** Whether the pod waits for this scheduler. */
function needsNode(pod: Pod): boolean {
  const { schedulingGates } = pod.spec as { schedulingGates?: unknown[] };
  return (
    !pod.spec.nodeName &&
    pod.metadata.deletionTimestamp === undefined &&
    !isPodFinished(pod) &&
    (pod.spec.schedulerName ?? SCHEDULER_NAME) === SCHEDULER_NAME &&
    (schedulingGates ?? []).length === 0
  );
}

/** Whether a node's change may let a pod fit that did not before; heartbeats do not. */
function matters(before: Node, after: Node): boolean {
  return (
    !jsonEqual(asJson(before.spec ?? {}), asJson(after.spec ?? {})) ||
    !jsonEqual(before.metadata.labels ?? {}, after.metadata.labels ?? {}) ||
    !jsonEqual(before.status?.allocatable ?? {}, after.status?.allocatable ?? {})
  );
}
