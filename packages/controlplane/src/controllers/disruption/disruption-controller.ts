import {
  podDisruptionBudgets as budgetsResource,
  type Deployment,
  type Pod,
  type ReplicaSet,
  type StatefulSet,
} from "@skerry/api";
import { toKubernetesTime } from "@skerry/base";
import { labelSelectorPredicate, objectKey, WorkQueue } from "@skerry/kube";
import { BY_NAMESPACE, type ClusterInformers } from "../cluster-informers.ts";
import type { Controller, ControllerPorts } from "../controller-ports.ts";
import { controllerOf } from "../owner-references.ts";
import { writeStatus } from "../write-status.ts";
import { budgetStatus, nextTimeoutMs } from "./disruption-budget.ts";

/** Says in each PodDisruptionBudget how many of its pods may be evicted at the moment. */
export class DisruptionController implements Controller {
  readonly #ports: ControllerPorts;
  readonly #informers: ClusterInformers;
  readonly #queue: WorkQueue;
  readonly #listening = new DisposableStack();

  constructor(ports: ControllerPorts, informers: ClusterInformers) {
    this.#ports = ports;
    this.#informers = informers;
    this.#queue = new WorkQueue({
      ...ports,
      logger: ports.logger.child("disruption-controller"),
      work: (key, signal) => this.#sync(key, signal),
    });
  }

  start(): void {
    const { podDisruptionBudgets, pods } = this.#informers;
    this.#listening.use(podDisruptionBudgets.listen(({ object }) => this.#queue.add(objectKey(object))));
    this.#listening.use(
      pods.listen((event) => {
        this.#enqueueBudgetsOf(event.object);
        if (event.type === "updated") this.#enqueueBudgetsOf(event.before);
      }),
    );
    this.#queue.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listening.dispose();
    await this.#queue[Symbol.asyncDispose]();
  }

  #enqueueBudgetsOf({ metadata }: Pod): void {
    const budgets = this.#informers.podDisruptionBudgets.cache.byIndex(BY_NAMESPACE, metadata.namespace ?? "");
    for (const budget of budgets)
      if (labelSelectorPredicate(budget.spec.selector)(metadata.labels)) this.#queue.add(objectKey(budget));
  }

  async #sync(key: string, signal: AbortSignal): Promise<void> {
    const budget = this.#informers.podDisruptionBudgets.cache.get(key);
    if (!budget || budget.metadata.deletionTimestamp) return;
    const { namespace = "" } = budget.metadata;
    const selects = labelSelectorPredicate(budget.spec.selector);
    const pods = this.#informers.pods.cache
      .byIndex(BY_NAMESPACE, namespace)
      .filter(({ metadata }) => selects(metadata.labels));
    const nowMs = this.#ports.clock.now();
    const status = budgetStatus(budget, pods, this.#expectedCount(pods), nowMs, toKubernetesTime(nowMs));
    await writeStatus(this.#ports.api, budgetsResource, budget, status, signal);
    const waitMs = nextTimeoutMs(status, nowMs);
    if (waitMs !== undefined) this.#queue.addAfter(key, waitMs);
  }

  /** How many pods the controllers of these pods want together; others stand for themselves. */
  #expectedCount(pods: readonly Pod[]): number {
    const wanted = new Map<string, number>();
    let otherCount = 0;
    for (const pod of pods) {
      const owner = this.#scaledOwner(pod);
      if (owner) wanted.set(owner.metadata.uid ?? "", owner.spec.replicas ?? 1);
      else otherCount++;
    }
    return [...wanted.values()].reduce((sum, replicas) => sum + replicas, otherCount);
  }

  /** Who says how many of the pod there are: of a Deployment's pods the Deployment, whichever ReplicaSet has them. */
  #scaledOwner(pod: Pod): StatefulSet | ReplicaSet | Deployment | undefined {
    const { replicaSets, deployments, statefulSets } = this.#informers;
    const owner = controllerOf(pod);
    const inNamespace = (name: string): string => `${pod.metadata.namespace ?? ""}/${name}`;
    if (owner?.kind === "StatefulSet") return statefulSets.cache.get(inNamespace(owner.name));
    if (owner?.kind !== "ReplicaSet") return undefined;
    const replicaSet = replicaSets.cache.get(inNamespace(owner.name));
    const parent = replicaSet && controllerOf(replicaSet);
    return parent?.kind === "Deployment" ? deployments.cache.get(inNamespace(parent.name)) : replicaSet;
  }
}
