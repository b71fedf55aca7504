import { type Node, type Pod, pods as podsResource, type Taint } from "@skerry/api";
import type { Logger } from "@skerry/base";
import { isApiError, objectKey, WorkQueue } from "@skerry/kube";
import { tolerates } from "../../scheduler/tolerations.ts";
import { BY_NODE, type ClusterInformers } from "../cluster-informers.ts";
import type { Controller, ControllerPorts } from "../controller-ports.ts";
import { EventRecorder } from "../event-recorder.ts";
import { UNREACHABLE_TAINT } from "./node-taints.ts";

/** Label of nodes at the edge, as KubeEdge sets it. */
const EDGE_NODE_LABEL = "node-role.kubernetes.io/edge";

/**
 * Deletes pods from nodes with NoExecute taints that they do not tolerate (any longer). An edge node that cannot be
 * reached is no reason: its pods go on running there without the cloud, and evicting them would only make the API tell
 * something that is not so.
 */
export class TaintEvictionController implements Controller {
  readonly #ports: ControllerPorts;
  readonly #informers: ClusterInformers;
  readonly #logger: Logger;
  readonly #events: EventRecorder;
  readonly #queue: WorkQueue;
  readonly #listening = new DisposableStack();

  constructor(ports: ControllerPorts, informers: ClusterInformers) {
    this.#ports = ports;
    this.#informers = informers;
    this.#logger = ports.logger.child("taint-eviction-controller");
    this.#events = new EventRecorder(ports, "taint-eviction-controller");
    this.#queue = new WorkQueue({ ...ports, logger: this.#logger, work: (key, signal) => this.#sync(key, signal) });
  }

  start(): void {
    const { nodes, pods } = this.#informers;
    this.#listening.use(
      nodes.listen(({ object }) => {
        if (evictingTaints(object).length === 0) return;
        for (const pod of pods.cache.byIndex(BY_NODE, object.metadata.name)) this.#queue.add(objectKey(pod));
      }),
    );
    this.#listening.use(
      pods.listen(({ type, object }) => {
        if (type !== "deleted" && object.spec.nodeName) this.#queue.add(objectKey(object));
      }),
    );
    this.#queue.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listening.dispose();
    await this.#queue[Symbol.asyncDispose]();
    await this.#events[Symbol.asyncDispose]();
  }

  async #sync(key: string, signal: AbortSignal): Promise<void> {
    const pod = this.#informers.pods.cache.get(key);
    const node = this.#informers.nodes.cache.get(pod?.spec.nodeName ?? "");
    if (!pod || !node || pod.metadata.deletionTimestamp) return;
    const dueMs = evictionDueMs(pod, evictingTaints(node));
    if (dueMs === undefined) return;
    const waitMs = dueMs - this.#ports.clock.now();
    if (waitMs > 0) {
      this.#queue.addAfter(key, waitMs);
      return;
    }
    const { namespace = "", name, uid = "" } = pod.metadata;
    this.#logger.info("Evicting a pod from a tainted node", { namespace, pod: name, node: node.metadata.name });
    this.#events.record(pod, "Normal", "TaintManagerEviction", `Marking for deletion Pod ${namespace}/${name}`);
    try {
      await this.#ports.api.delete({ resource: podsResource, namespace, name }, { preconditions: { uid }, signal });
    } catch (error) {
      if (!isApiError(error, "NotFound") && !isApiError(error, "Conflict")) throw error;
    }
  }
}

/** The node's taints for which pods have to go. */
export function evictingTaints(node: Node): Taint[] {
  const isEdge = node.metadata.labels?.[EDGE_NODE_LABEL] !== undefined;
  return (node.spec?.taints ?? []).filter(
    ({ key, effect }) => effect === "NoExecute" && !(isEdge && key === UNREACHABLE_TAINT),
  );
}

/** When the pod has to go, in milliseconds since the epoch; undefined when it may stay for good. */
export function evictionDueMs(pod: Pod, taints: readonly Taint[]): number | undefined {
  let dueMs: number | undefined;
  for (const taint of taints) {
    const covering = (pod.spec.tolerations ?? []).filter((toleration) => tolerates(toleration, taint));
    const limits = covering.flatMap(({ tolerationSeconds }) => tolerationSeconds ?? []);
    if (covering.length > 0 && limits.length === 0) continue;
    const addedMs = Date.parse(taint.timeAdded ?? "") || 0;
    const toleratedMs = covering.length === 0 ? 0 : Math.max(0, Math.min(...limits)) * 1000;
    dueMs = Math.min(dueMs ?? Number.POSITIVE_INFINITY, addedMs + toleratedMs);
  }
  return dueMs;
}
