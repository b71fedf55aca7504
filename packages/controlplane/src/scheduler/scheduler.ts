import { type KubernetesObject, type Node, type Pod, pods as podsResource } from "@skerry/api";
import { type Logger, toKubernetesTime } from "@skerry/base";
import { asJson, isApiError, jsonEqual, objectKey, WorkQueue } from "@skerry/kube";
import { BY_NODE, type ClusterInformers } from "../controllers/cluster-informers.ts";
import type { Controller, ControllerPorts } from "../controllers/controller-ports.ts";
import { EventRecorder } from "../controllers/event-recorder.ts";
import { isPodFinished, podCondition } from "../controllers/pod-state.ts";
import { type NodeView, ViewFacts } from "./node-view.ts";
import { type PlacementOptions, placePod } from "./placement.ts";
import { nominatedNodeOf, type Preemption, preemption, priorityOf } from "./preemption.ts";
import { VolumeBinder } from "./volume-binder.ts";

const FIELD_MANAGER = "kube-scheduler";
const SCHEDULER_NAME = "default-scheduler";
/** A pod that fits nowhere is looked at again after this even when nothing seems to have changed. */
const RETRY_UNSCHEDULABLE_MS = 60_000;

/** Binds pods without a node to one that fits; makes room for important ones, and has volumes made where pods go. */
export class Scheduler implements Controller {
  readonly #ports: ControllerPorts;
  readonly #informers: ClusterInformers;
  readonly #logger: Logger;
  readonly #events: EventRecorder;
  /** One at a time: each decision sees the ones before it. */
  readonly #queue: WorkQueue;
  /** Pods bound (or perhaps bound) that the cache shows without a node yet: UID to node. */
  readonly #assumed = new Map<string, { readonly pod: Pod; readonly nodeName: string }>();
  /** Unbound pods to which a node was promised, by UID. */
  readonly #nominated = new Map<string, Pod>();
  /** The nodes as they are looked at, by name, until something of them changes. */
  readonly #views = new Map<string, NodeView>();
  readonly #placement: PlacementOptions;
  readonly #volumes: VolumeBinder;
  /** Keys of pods that fit nowhere at the moment, or wait for their volumes. */
  readonly #unschedulable = new Set<string>();
  readonly #listening = new DisposableStack();

  constructor(ports: ControllerPorts, informers: ClusterInformers) {
    this.#ports = ports;
    this.#informers = informers;
    this.#logger = ports.logger.child("scheduler");
    this.#events = new EventRecorder(ports, SCHEDULER_NAME);
    this.#volumes = new VolumeBinder(ports, informers);
    this.#placement = { facts: new ViewFacts(), volumes: this.#volumes };
    this.#queue = new WorkQueue({
      ...ports,
      logger: this.#logger,
      work: (key, signal) => this.#schedule(key, signal),
      priorityOf: (key) => priorityOf(informers.pods.cache.get(key)),
      retry: { initialMs: 100, maximumMs: 10_000 },
    });
  }

  start(): void {
    this.#listening.use(
      this.#informers.pods.listen((event) => {
        const { object: pod } = event;
        const key = objectKey(pod);
        const { uid = "" } = pod.metadata;
        this.#views.delete(pod.spec.nodeName ?? "");
        if (event.type === "deleted" || pod.spec.nodeName) {
          this.#unassume(uid);
          this.#nominated.delete(uid);
          this.#unschedulable.delete(key);
          // Room was made, or a pod came that others want to be near.
          if (event.type === "deleted" || isPodFinished(pod) || event.type === "added") this.#retryUnschedulable();
          return;
        }
        if (nominatedNodeOf(pod) !== "") this.#nominated.set(uid, pod);
        const isSpecChange = event.type !== "updated" || !jsonEqual(asJson(event.before.spec), asJson(pod.spec));
        if (needsNode(pod) && (isSpecChange || !this.#unschedulable.has(key))) this.#queue.add(key);
      }),
    );
    this.#listening.use(
      this.#informers.nodes.listen((event) => {
        this.#views.delete(event.object.metadata.name);
        if (event.type !== "updated" || matters(event.before, event.object)) this.#retryUnschedulable();
      }),
    );
    this.#listening.use(this.#volumes.onChange(() => this.#retryUnschedulable()));
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
    const placement = placePod(pod, this.#nodeViews(pod), this.#placement);
    if (placement.kind === "nowhere") {
      this.#unschedulable.add(key);
      this.#queue.addAfter(key, RETRY_UNSCHEDULABLE_MS);
      const { refused } = placement;
      const found = refused && preemption(pod, refused, this.#informers.podDisruptionBudgets.cache.list());
      if (found?.kind === "victims") await this.#preempt(pod, found, signal);
      const rest = found?.kind === "none" ? ` ${found.message}` : "";
      await this.#tellUnschedulable(pod, `${placement.message}${rest}`, signal);
      return;
    }
    const node = this.#informers.nodes.cache.get(placement.name);
    if (placement.volumes.isWaiting && node) {
      // Once its claims are bound, the pod comes here again and goes where its volumes are.
      this.#unschedulable.add(key);
      this.#queue.addAfter(key, RETRY_UNSCHEDULABLE_MS);
      await this.#volumes.prepare(placement.volumes.decisions(node) ?? [], node, signal);
      return;
    }
    this.#unschedulable.delete(key);
    await this.#bind(pod, placement.name, signal);
  }

  /** The nodes with their pods; of those promised to other pods, as full as they will be for this one. */
  #nodeViews(pod: Pod): NodeView[] {
    const views = this.#informers.nodes.cache.list().map((node) => this.#viewOf(node));
    const promised = [...this.#nominated.values()].filter(
      (other) => other.metadata.uid !== pod.metadata.uid && priorityOf(other) >= priorityOf(pod),
    );
    if (promised.length === 0) return views;
    return views.map((view) => {
      const more = promised.filter((other) => nominatedNodeOf(other) === view.node.metadata.name);
      return more.length === 0 ? view : { node: view.node, pods: [...view.pods, ...more] };
    });
  }

  #viewOf(node: Node): NodeView {
    const { name } = node.metadata;
    const known = this.#views.get(name);
    if (known) return known;
    const bound = this.#informers.pods.cache.byIndex(BY_NODE, name).filter((pod) => !isPodFinished(pod));
    const assumed = [...this.#assumed.values()].filter(({ nodeName }) => nodeName === name).map(({ pod }) => pod);
    const view: NodeView = { node, pods: [...bound, ...assumed] };
    this.#views.set(name, view);
    return view;
  }

  #assume(pod: Pod, nodeName: string): void {
    this.#assumed.set(pod.metadata.uid ?? "", { pod, nodeName });
    this.#views.delete(nodeName);
  }

  #unassume(uid: string): void {
    const assumed = this.#assumed.get(uid);
    if (!assumed) return;
    this.#assumed.delete(uid);
    this.#views.delete(assumed.nodeName);
  }

  /** Lets pods of lower priority make room, and promises the node to the pod meanwhile. */
  async #preempt(
    pod: Pod,
    { nodeName, victims }: Extract<Preemption, { kind: "victims" }>,
    signal: AbortSignal,
  ): Promise<void> {
    const { namespace = "", name, uid = "" } = pod.metadata;
    const options = { signal, fieldManager: FIELD_MANAGER };
    const body = { metadata: { uid }, status: { nominatedNodeName: nodeName } };
    const target = { resource: podsResource, namespace, name, subresource: "status" };
    await this.#ports.api.patch(target, { type: "merge", body }, options);
    this.#logger.info("Pods make room for a more important one", { namespace, pod: name, node: nodeName });
    for (const victim of victims) {
      if (victim.metadata.deletionTimestamp) continue;
      await this.#evict(victim, signal);
      this.#events.record(victim, "Normal", "Preempted", `Preempted by pod ${uid} on node ${nodeName}`);
    }
  }

  async #evict(victim: Pod, signal: AbortSignal): Promise<void> {
    const { namespace = "", name, uid = "" } = victim.metadata;
    const target = { resource: podsResource, namespace, name };
    const condition = {
      type: "DisruptionTarget",
      status: "True",
      reason: "PreemptionByScheduler",
      message: `${SCHEDULER_NAME}: preempting to accommodate a higher priority pod`,
      lastTransitionTime: toKubernetesTime(this.#ports.clock.now()),
    };
    const body = { metadata: { uid }, status: { conditions: [condition] } };
    const options = { signal, fieldManager: FIELD_MANAGER };
    try {
      await this.#ports.api.patch({ ...target, subresource: "status" }, { type: "strategic", body }, options);
      await this.#ports.api.delete(target, { preconditions: { uid }, signal });
    } catch (error) {
      if (!isApiError(error, "NotFound") && !isApiError(error, "Conflict")) throw error;
    }
  }

  async #bind(pod: Pod, nodeName: string, signal: AbortSignal): Promise<void> {
    const { namespace = "", name, uid = "" } = pod.metadata;
    const binding: KubernetesObject & { target: object } = {
      apiVersion: "v1",
      kind: "Binding",
      metadata: { name, namespace, uid },
      target: { apiVersion: "v1", kind: "Node", name: nodeName },
    };
    this.#assume(pod, nodeName);
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
      this.#unassume(uid);
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
