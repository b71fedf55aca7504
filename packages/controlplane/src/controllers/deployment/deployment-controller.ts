import {
  type Deployment,
  deployments as deploymentsResource,
  type ReplicaSet,
  replicaSets as replicaSetsResource,
} from "@skerry/api";
import { type Logger, toKubernetesTime } from "@skerry/base";
import { ApiError, jsonEqual, labelSelectorPredicate, objectKey, WorkQueue } from "@skerry/kube";
import { claimObjects } from "../claim.ts";
import { BY_CONTROLLER, BY_NAMESPACE, type ClusterInformers } from "../cluster-informers.ts";
import { findCondition, withCondition } from "../conditions.ts";
import type { Controller, ControllerPorts } from "../controller-ports.ts";
import { EventRecorder } from "../event-recorder.ts";
import { controllerOf } from "../owner-references.ts";
import { isPodActive } from "../pod-state.ts";
import { writeStatus } from "../write-status.ts";
import { REVISION } from "./deployment-names.ts";
import {
  condition,
  type DeploymentStatus,
  deploymentNumbers,
  isComplete,
  msUntilDeadline,
  rolloutStatus,
  type StatusTime,
} from "./deployment-status.ts";
import { sameTemplate } from "./pod-template.ts";
import { ReplicaSetWriter } from "./replica-set-writer.ts";
import { highestRevision, newestAnnotations, scaleAnnotations } from "./revisions.ts";
import { isRecreate, wantedReplicas } from "./rolling-limits.ts";
import { byCreation, isScalingEvent, rollingPlan, type ScalePlan, scalingPlan } from "./rollout-plan.ts";

/** A Deployment's ReplicaSets, the one with its current template apart. */
interface Versions {
  readonly newest: ReplicaSet | undefined;
  readonly old: readonly ReplicaSet[];
}

/** The ReplicaSet of the current template, and whether it was just made. */
interface EnsuredNewest {
  readonly newest: ReplicaSet;
  readonly created: boolean;
}

/** Rolls Deployments out: a ReplicaSet per template, scaled step by step as the strategy says. */
export class DeploymentController implements Controller {
  readonly #ports: ControllerPorts;
  readonly #informers: ClusterInformers;
  readonly #logger: Logger;
  readonly #events: EventRecorder;
  readonly #replicaSets: ReplicaSetWriter;
  readonly #queue: WorkQueue;
  readonly #listening = new DisposableStack();

  constructor(ports: ControllerPorts, informers: ClusterInformers) {
    this.#ports = ports;
    this.#informers = informers;
    this.#logger = ports.logger.child("deployment-controller");
    this.#events = new EventRecorder(ports, "deployment-controller");
    this.#replicaSets = new ReplicaSetWriter(ports, this.#events);
    this.#queue = new WorkQueue({
      ...ports,
      logger: this.#logger,
      concurrency: 5,
      work: (key, signal) => this.#sync(key, signal),
    });
  }

  start(): void {
    const { deployments, replicaSets, pods } = this.#informers;
    this.#listening.use(deployments.listen(({ object }) => this.#queue.add(objectKey(object))));
    this.#listening.use(
      replicaSets.listen((event) => {
        this.#enqueueOwnersOf(event.object);
        if (event.type === "updated" && controllerOf(event.before)?.uid !== controllerOf(event.object)?.uid)
          this.#enqueueOwnersOf(event.before);
      }),
    );
    // Recreate waits for the last old pod to go.
    this.#listening.use(
      pods.listen(({ type, object }) => {
        const owner = type === "deleted" ? controllerOf(object) : undefined;
        const replicaSet = owner && replicaSets.cache.get(`${object.metadata.namespace}/${owner.name}`);
        if (replicaSet) this.#enqueueOwnersOf(replicaSet);
      }),
    );
    this.#queue.start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listening.dispose();
    await this.#queue[Symbol.asyncDispose]();
    await this.#events[Symbol.asyncDispose]();
  }

  #enqueueOwnersOf(replicaSet: ReplicaSet): void {
    const { namespace = "" } = replicaSet.metadata;
    const owner = controllerOf(replicaSet);
    if (owner) {
      if (owner.kind === "Deployment") this.#queue.add(`${namespace}/${owner.name}`);
      return;
    }
    for (const deployment of this.#informers.deployments.cache.byIndex(BY_NAMESPACE, namespace)) {
      if (labelSelectorPredicate(deployment.spec.selector)(replicaSet.metadata.labels))
        this.#queue.add(objectKey(deployment));
    }
  }

  async #sync(key: string, signal: AbortSignal): Promise<void> {
    const cached = this.#informers.deployments.cache.get(key);
    if (!cached) return;
    const versions = this.#versionsOf(cached, await this.#claim(cached, signal));
    let deployment = cached;
    if (deployment.metadata.deletionTimestamp) {
      await this.#writeStatus(deployment, this.#numbers(deployment, versions), signal);
      return;
    }
    if (deployment.spec.paused || isScalingEvent(deployment, allOf(versions))) {
      await this.#scaleOnly(deployment, versions, signal);
      return;
    }
    const ensured = await this.#ensureNewest(deployment, versions, signal);
    if (!ensured) return;
    const { newest } = ensured;
    deployment = await this.#noteRevision(deployment, newest, ensured.created, signal);
    // Its spec moved on meanwhile: the newer version is on its way into the cache and comes into the queue by itself.
    if (deployment.metadata.generation !== cached.metadata.generation) return;
    const current = { newest, old: versions.old };
    const plan = isRecreate(deployment)
      ? this.#recreatePlan(deployment, current)
      : rollingPlan(deployment, newest, versions.old);
    await this.#replicaSets.scale(deployment, plan, signal);
    const status = rolloutStatus(deployment, newest, allOf(current), this.#time());
    if (isComplete(deployment, status)) await this.#replicaSets.cleanUp(deployment, versions.old, signal);
    await this.#writeStatus(deployment, this.#resumed(deployment, status), signal);
    const progressing = findCondition(status.conditions, "Progressing");
    const waitMs = msUntilDeadline(deployment, progressing, this.#ports.clock.now());
    // A second more: timestamps have whole seconds.
    if (waitMs !== undefined) this.#queue.addAfter(key, waitMs + 1_000);
  }

  #claim(deployment: Deployment, signal: AbortSignal): Promise<ReplicaSet[]> {
    const { cache } = this.#informers.replicaSets;
    const { namespace = "", uid = "" } = deployment.metadata;
    const matches = labelSelectorPredicate(deployment.spec.selector);
    const orphans = cache.byIndex(BY_NAMESPACE, namespace).filter((replicaSet) => !controllerOf(replicaSet));
    return claimObjects([...cache.byIndex(BY_CONTROLLER, uid), ...orphans], {
      api: this.#ports.api,
      owner: deployment,
      resource: replicaSetsResource,
      ownerResource: deploymentsResource,
      matches: (replicaSet) => matches(replicaSet.metadata.labels),
      signal,
    });
  }

  #versionsOf(deployment: Deployment, replicaSets: readonly ReplicaSet[]): Versions {
    const sorted = [...replicaSets].sort(byCreation);
    const newest = sorted.find((replicaSet) => sameTemplate(replicaSet.spec.template, deployment.spec.template));
    return { newest, old: sorted.filter((replicaSet) => replicaSet !== newest) };
  }

  /** The ReplicaSet of the current template, created when there is none; undefined when it must be looked at anew. */
  async #ensureNewest(
    deployment: Deployment,
    { newest, old }: Versions,
    signal: AbortSignal,
  ): Promise<EnsuredNewest | undefined> {
    const revision = highestRevision(old) + 1;
    const annotations = newestAnnotations(deployment, newest, revision);
    if (newest) {
      const minReadySeconds = deployment.spec.minReadySeconds ?? 0;
      const isSame =
        jsonEqual(annotations, newest.metadata.annotations ?? {}) &&
        (newest.spec.minReadySeconds ?? 0) === minReadySeconds;
      if (isSame) return { newest, created: false };
      const body = { metadata: { annotations }, spec: { minReadySeconds } };
      return { newest: await this.#replicaSets.patch(newest, body, signal), created: false };
    }
    if (isRecreate(deployment) && this.#hasPodsOf(old)) {
      await this.#replicaSets.scale(deployment, new Map(old.filter(isScaledUp).map((each) => [each, 0])), signal);
      const status = rolloutStatus(deployment, undefined, old, this.#time());
      await this.#writeStatus(deployment, this.#resumed(deployment, status), signal);
      return undefined;
    }
    return this.#create(deployment, annotations, old, signal);
  }

  async #create(
    deployment: Deployment,
    annotations: Record<string, string>,
    old: readonly ReplicaSet[],
    signal: AbortSignal,
  ): Promise<EnsuredNewest | undefined> {
    const status = deployment.status ?? {};
    try {
      const outcome = await this.#replicaSets.create(deployment, annotations, old, signal);
      if (outcome.kind !== "collision") return { newest: outcome.replicaSet, created: outcome.kind === "created" };
      this.#logger.info("The name of a new ReplicaSet is taken; choosing another", { replicaSet: outcome.name });
      await this.#writeStatus(deployment, { ...status, collisionCount: (status.collisionCount ?? 0) + 1 }, signal);
      return undefined;
    } catch (error) {
      if (error instanceof ApiError && error.httpStatus < 500 && error.status.reason !== "Conflict") {
        const message = `Failed to create new replica set: ${error.message}`;
        const failed = condition("Progressing", "False", "ReplicaSetCreateError", message, this.#time());
        const conditions = withCondition(status.conditions, failed);
        await this.#writeStatus(deployment, { ...status, conditions }, signal);
      }
      throw error;
    }
  }

  /** Shows the newest ReplicaSet's revision on the Deployment, and that it was created; answers the Deployment then. */
  async #noteRevision(
    deployment: Deployment,
    newest: ReplicaSet,
    created: boolean,
    signal: AbortSignal,
  ): Promise<Deployment> {
    const revision = newest.metadata.annotations?.[REVISION] ?? "";
    const { namespace = "", name, uid = "" } = deployment.metadata;
    const target = { resource: deploymentsResource, namespace, name, subresource: "status" };
    const isNoted = deployment.metadata.annotations?.[REVISION] === revision;
    const metadata = { uid, ...(isNoted ? {} : { annotations: { [REVISION]: revision } }) };
    if (!created && findCondition(deployment.status?.conditions, "Progressing"))
      return isNoted ? deployment : this.#ports.api.patch(target, { type: "merge", body: { metadata } }, { signal });
    const reason = created ? "NewReplicaSetCreated" : "FoundNewReplicaSet";
    const message = `${created ? "Created" : "Found"} new replica set "${newest.metadata.name}"`;
    const fresh = condition("Progressing", "True", reason, message, this.#time());
    const conditions = withCondition(deployment.status?.conditions, fresh).map((each) => ({ ...each }));
    const body = { metadata, status: { conditions } };
    return this.#ports.api.patch(target, { type: "merge", body }, { signal });
  }

  #recreatePlan(
    deployment: Deployment,
    { newest, old }: { newest: ReplicaSet; old: readonly ReplicaSet[] },
  ): ScalePlan {
    const scaledUp = old.filter(isScaledUp);
    if (scaledUp.length > 0) return new Map(scaledUp.map((replicaSet) => [replicaSet, 0]));
    if (this.#hasPodsOf(old) || wantedReplicas(newest) === wantedReplicas(deployment)) return new Map();
    return new Map([[newest, wantedReplicas(deployment)]]);
  }

  #hasPodsOf(replicaSets: readonly ReplicaSet[]): boolean {
    const { cache } = this.#informers.pods;
    return replicaSets.some(
      (replicaSet) =>
        isScaledUp(replicaSet) ||
        cache
          .byIndex(BY_CONTROLLER, replicaSet.metadata.uid ?? "")
          .some((pod) => isPodActive(pod) || pod.metadata.deletionTimestamp !== undefined),
    );
  }

  /** Paused, or its number of pods changed: brings the numbers in order without advancing the rollout. */
  async #scaleOnly(deployment: Deployment, versions: Versions, signal: AbortSignal): Promise<void> {
    await this.#replicaSets.scale(deployment, scalingPlan(deployment, versions.newest, versions.old), signal);
    // All get the note of the Deployment's size, else the change would be seen again and again.
    const note = scaleAnnotations(deployment);
    for (const replicaSet of allOf(versions).filter(isScaledUp)) {
      const { annotations = {} } = replicaSet.metadata;
      if (Object.entries(note).some(([key, value]) => annotations[key] !== value))
        await this.#replicaSets.patch(replicaSet, { metadata: { annotations: note } }, signal);
    }
    const status = this.#numbers(deployment, versions);
    await this.#writeStatus(deployment, this.#resumed(deployment, status), signal);
  }

  #numbers(deployment: Deployment, versions: Versions): DeploymentStatus {
    return deploymentNumbers(deployment, versions.newest, allOf(versions), this.#time());
  }

  /** Tells in the Progressing condition that the rollout was paused or goes on. */
  #resumed(deployment: Deployment, status: DeploymentStatus): DeploymentStatus {
    const current = findCondition(status.conditions, "Progressing");
    const wasPaused = current?.reason === "DeploymentPaused";
    if (Boolean(deployment.spec.paused) === wasPaused || current?.reason === "ProgressDeadlineExceeded") return status;
    const fresh = deployment.spec.paused
      ? condition("Progressing", "Unknown", "DeploymentPaused", "Deployment is paused", this.#time())
      : condition("Progressing", "Unknown", "DeploymentResumed", "Deployment is resumed", this.#time());
    return { ...status, conditions: withCondition(status.conditions, fresh) };
  }

  async #writeStatus(deployment: Deployment, status: DeploymentStatus, signal: AbortSignal): Promise<void> {
    await writeStatus(this.#ports.api, deploymentsResource, deployment, status, signal);
  }

  #time(): StatusTime {
    const epochMs = this.#ports.clock.now();
    return { epochMs, text: toKubernetesTime(epochMs) };
  }
}

function allOf({ newest, old }: Versions): ReplicaSet[] {
  return newest ? [...old, newest] : [...old];
}

function isScaledUp(replicaSet: ReplicaSet): boolean {
  return wantedReplicas(replicaSet) > 0;
}
