import { type Condition, type Node, nodes as nodesResource, type Pod, pods as podsResource } from "@skerry/api";
import { type Logger, toKubernetesTime } from "@skerry/base";
import { asJson, isApiError, jsonEqual, WorkQueue } from "@skerry/kube";
import { BY_NODE, type ClusterInformers } from "../cluster-informers.ts";
import { findCondition } from "../conditions.ts";
import type { Controller, ControllerPorts } from "../controller-ports.ts";
import { EventRecorder } from "../event-recorder.ts";
import { podCondition } from "../pod-state.ts";
import { NodeHeartbeats } from "./node-heartbeats.ts";
import { wantedTaints } from "./node-taints.ts";

/** How often each node's silence is measured. */
const MONITOR_PERIOD_MS = 5_000;
/** A node silent for longer is Unknown. */
const GRACE_PERIOD_MS = 40_000;

/** Marks nodes that fell silent as Unknown, and their pods as not ready; keeps the taints of node conditions. */
export class NodeLifecycleController implements Controller {
  readonly #ports: ControllerPorts;
  readonly #informers: ClusterInformers;
  readonly #logger: Logger;
  readonly #events: EventRecorder;
  readonly #heartbeats = new NodeHeartbeats();
  readonly #queue: WorkQueue;
  readonly #listening = new DisposableStack();

  constructor(ports: ControllerPorts, informers: ClusterInformers) {
    this.#ports = ports;
    this.#informers = informers;
    this.#logger = ports.logger.child("node-lifecycle-controller");
    this.#events = new EventRecorder(ports, "node-controller");
    this.#queue = new WorkQueue({ ...ports, logger: this.#logger, work: (key, signal) => this.#sync(key, signal) });
  }

  start(): void {
    const { nodes, leases } = this.#informers;
    this.#listening.use(
      nodes.listen(({ type, object }) => {
        if (type === "deleted") this.#heartbeats.forget(object.metadata.name);
        this.#queue.add(object.metadata.name);
      }),
    );
    this.#listening.use(leases.listen(({ object }) => this.#queue.add(object.metadata.name)));
    this.#queue.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listening.dispose();
    await this.#queue[Symbol.asyncDispose]();
    await this.#events[Symbol.asyncDispose]();
  }

  async #sync(name: string, signal: AbortSignal): Promise<void> {
    const { nodes, leases } = this.#informers;
    let node = nodes.cache.get(name);
    if (!node) return;
    const lease = leases.cache.get(`kube-node-lease/${name}`);
    const silenceMs = this.#heartbeats.silenceMs(node, lease, this.#ports.clock.monotonicMs());
    if (silenceMs > GRACE_PERIOD_MS) node = await this.#markUnknown(node, silenceMs, signal);
    await this.#writeTaints(node, signal);
    if (findCondition(node.status?.conditions, "Ready")?.status !== "True") await this.#markPodsNotReady(node, signal);
    this.#queue.addAfter(name, MONITOR_PERIOD_MS);
  }

  /** Conditions that nobody keeps up to date any more become Unknown. */
  async #markUnknown(node: Node, silenceMs: number, signal: AbortSignal): Promise<Node> {
    const now = toKubernetesTime(this.#ports.clock.now());
    const before = node.status?.conditions ?? [];
    const types = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"];
    const conditions = before.map((condition) =>
      types.includes(condition.type) && condition.status !== "Unknown" ? unknown(condition, now) : condition,
    );
    for (const type of types) if (!findCondition(before, type)) conditions.push(neverUpdated(type, node, now));
    if (jsonEqual(asJson(conditions), asJson(before))) return node;
    const { name } = node.metadata;
    const wasReady = findCondition(before, "Ready")?.status === "True";
    this.#logger.warn("A node fell silent", { node: name, silentForMs: Math.round(silenceMs) });
    if (wasReady) this.#events.record(node, "Normal", "NodeNotReady", `Node ${name} status is now: NodeNotReady`);
    const next: Node = { ...node, status: { ...node.status, conditions } };
    return this.#ports.api.update({ resource: nodesResource, name, subresource: "status" }, next, { signal });
  }

  async #writeTaints(node: Node, signal: AbortSignal): Promise<void> {
    const taints = wantedTaints(node, toKubernetesTime(this.#ports.clock.now()));
    if (!taints) return;
    const { name, resourceVersion = "" } = node.metadata;
    const body = {
      metadata: { resourceVersion },
      spec: { taints: taints.length > 0 ? taints.map((taint) => ({ ...taint })) : null },
    };
    await this.#ports.api.patch({ resource: nodesResource, name }, { type: "merge", body }, { signal });
  }

  /** Services must not send anything to pods that cannot be reached; the pods themselves go on. */
  async #markPodsNotReady(node: Node, signal: AbortSignal): Promise<void> {
    if (findCondition(node.status?.conditions, "Ready") === undefined) return;
    for (const pod of this.#informers.pods.cache.byIndex(BY_NODE, node.metadata.name)) {
      const ready = podCondition(pod, "Ready");
      if (ready?.status === "True") await this.#markPodNotReady(pod, ready, signal);
    }
  }

  async #markPodNotReady(pod: Pod, ready: Condition, signal: AbortSignal): Promise<void> {
    const { namespace = "", name, uid = "", resourceVersion = "" } = pod.metadata;
    const now = toKubernetesTime(this.#ports.clock.now());
    const condition = { ...ready, status: "False", lastTransitionTime: now };
    const body = { metadata: { uid, resourceVersion }, status: { conditions: [condition] } };
    try {
      const target = { resource: podsResource, namespace, name, subresource: "status" };
      await this.#ports.api.patch(target, { type: "strategic", body }, { signal });
      this.#events.record(pod, "Warning", "NodeNotReady", "Node is not ready");
    } catch (error) {
      // A newer version of the pod is on its way into the cache; it is looked at again in the next period.
      if (!isApiError(error, "NotFound") && !isApiError(error, "Conflict")) throw error;
    }
  }
}

function unknown(condition: Condition, now: string): Condition {
  return {
    ...condition,
    status: "Unknown",
    reason: "NodeStatusUnknown",
    message: "Kubelet stopped posting node status.",
    lastTransitionTime: now,
  };
}

function neverUpdated(type: string, node: Node, now: string): Condition {
  return {
    type,
    status: "Unknown",
    reason: "NodeStatusNeverUpdated",
    message: "Kubelet never posted node status.",
    lastHeartbeatTime: node.metadata.creationTimestamp ?? now,
    lastTransitionTime: now,
  };
}
