import { type Deployment, type ReplicaSet, replicaSets as replicaSetsResource } from "@skerry/api";
import { isApiError } from "@skerry/kube";
import type { ControllerPorts } from "../controller-ports.ts";
import type { EventRecorder } from "../event-recorder.ts";
import { controllerOf, controllerReference } from "../owner-references.ts";
import { POD_TEMPLATE_HASH } from "./deployment-names.ts";
import { sameTemplate, templateHash } from "./pod-template.ts";
import { revisionOf, scaleAnnotations } from "./revisions.ts";
import { isRecreate, wantedReplicas } from "./rolling-limits.ts";
import { newReplicaSetTarget, type ScalePlan } from "./rollout-plan.ts";

/** What became of the wish for a new ReplicaSet; a collision means that its name belongs to another. */
export type CreationOutcome =
  | { readonly kind: "created" | "present"; readonly replicaSet: ReplicaSet }
  | { readonly kind: "collision"; readonly name: string };

/** Creates, scales and deletes the ReplicaSets of Deployments. */
export class ReplicaSetWriter {
  readonly #ports: ControllerPorts;
  readonly #events: EventRecorder;

  constructor(ports: ControllerPorts, events: EventRecorder) {
    this.#ports = ports;
    this.#events = events;
  }

  /** Creates the ReplicaSet of the Deployment's current template, as large as the rollout allows at once. */
  async create(
    deployment: Deployment,
    annotations: Record<string, string>,
    old: readonly ReplicaSet[],
    signal: AbortSignal,
  ): Promise<CreationOutcome> {
    const wanted = newReplicaSet(deployment, annotations, old);
    const { namespace = "", name } = wanted.metadata;
    try {
      const replicaSet = await this.#ports.api.create({ resource: replicaSetsResource, namespace }, wanted, { signal });
      this.#tellScaling(deployment, replicaSet, 0);
      return { kind: "created", replicaSet };
    } catch (error) {
      if (!isApiError(error, "AlreadyExists")) throw error;
    }
    // Ours that the cache does not show yet (or an earlier try whose answer was lost), or another's of the same hash.
    const replicaSet = await this.#ports.api.get<ReplicaSet>(
      { resource: replicaSetsResource, namespace, name },
      signal,
    );
    const isOurs =
      controllerOf(replicaSet)?.uid === deployment.metadata.uid &&
      sameTemplate(replicaSet.spec.template, deployment.spec.template);
    return isOurs ? { kind: "present", replicaSet } : { kind: "collision", name };
  }

  /** Gives each ReplicaSet of the plan its new size. */
  async scale(deployment: Deployment, plan: ScalePlan, signal: AbortSignal): Promise<void> {
    for (const [replicaSet, replicas] of plan) {
      const body = { metadata: { annotations: scaleAnnotations(deployment) }, spec: { replicas } };
      const scaled = await this.patch(replicaSet, body, signal);
      this.#tellScaling(deployment, scaled, wantedReplicas(replicaSet));
    }
  }

  /** Conditional on the cached version, so that a decision on old numbers is never carried out. */
  patch(
    replicaSet: ReplicaSet,
    body: {
      readonly metadata: { readonly annotations: Record<string, string> };
      readonly spec?: Record<string, number>;
    },
    signal: AbortSignal,
  ): Promise<ReplicaSet> {
    const { namespace = "", name, resourceVersion = "" } = replicaSet.metadata;
    const patch = { ...body, metadata: { ...body.metadata, resourceVersion } };
    const target = { resource: replicaSetsResource, namespace, name };
    return this.#ports.api.patch(target, { type: "merge", body: patch }, { signal });
  }

  /** Deletes empty old ReplicaSets beyond the history limit, oldest revisions first. */
  async cleanUp(deployment: Deployment, old: readonly ReplicaSet[], signal: AbortSignal): Promise<void> {
    const surplus = Math.max(0, old.length - (deployment.spec.revisionHistoryLimit ?? 10));
    const empty = old.filter(
      (each) =>
        wantedReplicas(each) === 0 &&
        (each.status?.replicas ?? 0) === 0 &&
        (each.metadata.generation ?? 0) <= (each.status?.observedGeneration ?? 0) &&
        each.metadata.deletionTimestamp === undefined,
    );
    const doomed = empty.sort((left, right) => revisionOf(left) - revisionOf(right)).slice(0, surplus);
    for (const { metadata } of doomed) {
      const target = { resource: replicaSetsResource, namespace: metadata.namespace ?? "", name: metadata.name };
      try {
        await this.#ports.api.delete(target, { preconditions: { uid: metadata.uid ?? "" }, signal });
      } catch (error) {
        if (!isApiError(error, "NotFound")) throw error;
      }
    }
  }

  #tellScaling(deployment: Deployment, replicaSet: ReplicaSet, before: number): void {
    const after = wantedReplicas(replicaSet);
    if (after === before) return;
    const direction = after > before ? "up" : "down";
    const message = `Scaled ${direction} replica set ${replicaSet.metadata.name} from ${before} to ${after}`;
    this.#events.record(deployment, "Normal", "ScalingReplicaSet", message);
  }
}

function newReplicaSet(
  deployment: Deployment,
  annotations: Record<string, string>,
  old: readonly ReplicaSet[],
): ReplicaSet {
  const { namespace = "", name } = deployment.metadata;
  const { template, selector, minReadySeconds } = deployment.spec;
  const hash = templateHash(template, deployment.status?.collisionCount ?? 0);
  const labels = { ...template.metadata?.labels, [POD_TEMPLATE_HASH]: hash };
  return {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      name: `${name}-${hash}`,
      namespace,
      labels,
      annotations,
      ownerReferences: [controllerReference(deployment)],
    },
    spec: {
      replicas: isRecreate(deployment) ? wantedReplicas(deployment) : newReplicaSetTarget(deployment, old, 0),
      ...(minReadySeconds === undefined ? {} : { minReadySeconds }),
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [POD_TEMPLATE_HASH]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
}
