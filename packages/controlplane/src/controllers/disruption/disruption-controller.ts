import { podDisruptionBudgets as budgetsResource, type Pod, type PodDisruptionBudget } from "@skerry/api";
import { toKubernetesTime } from "@skerry/base";
import { asJson, isApiError, jsonEqual, labelSelectorPredicate, objectKey, WorkQueue } from "@skerry/kube";
import { BY_NAMESPACE, type ClusterInformers } from "../cluster-informers.ts";
import type { Controller, ControllerPorts } from "../controller-ports.ts";
import { controllerOf } from "../owner-references.ts";
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
    await this.#write(budget, status, signal);
    const waitMs = nextTimeoutMs(status, nowMs);
    if (waitMs !== undefined) this.#queue.addAfter(key, waitMs);
  }

  /** How many pods the controllers of these pods want together; others stand for themselves. */
  #expectedCount(pods: readonly Pod[]): number {
    const wanted = new Map<string, number>();
    let otherCount = 0;
    for (const pod of pods) {
      const owner = controllerOf(pod);
      const replicas = owner && this.#wantedBy(owner.kind, `${pod.metadata.namespace ?? ""}/${owner.name}`);
      if (owner && replicas !== undefined) wanted.set(owner.uid, replicas);
      else otherCount++;
    }
    return [...wanted.values()].reduce((sum, replicas) => sum + replicas, otherCount);
  }

  #wantedBy(kind: string, key: string): number | undefined {
    const { replicaSets, deployments, statefulSets } = this.#informers;
    if (kind === "StatefulSet") return statefulSets.cache.get(key)?.spec.replicas;
    if (kind !== "ReplicaSet") return undefined;
    const replicaSet = replicaSets.cache.get(key);
    const owner = replicaSet && controllerOf(replicaSet);
    if (owner?.kind !== "Deployment") return replicaSet?.spec.replicas;
    return deployments.cache.get(`${replicaSet?.metadata.namespace ?? ""}/${owner.name}`)?.spec.replicas;
  }

  async #write(
    budget: PodDisruptionBudget,
    status: NonNullable<PodDisruptionBudget["status"]>,
    signal: AbortSignal,
  ): Promise<void> {
    if (jsonEqual(asJson(status), asJson(budget.status ?? {}))) return;
    const { namespace = "", name } = budget.metadata;
    const target = { resource: budgetsResource, namespace, name, subresource: "status" };
    try {
      await this.#ports.api.update(target, { ...budget, status }, { signal });
    } catch (error) {
      // An eviction came in between: the newer version is on its way into the cache.
      if (!isApiError(error, "NotFound")) throw error;
    }
  }
}
