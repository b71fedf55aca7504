import { type ReplicaSet, type ResourceReference, replicaSets, replicationControllers } from "@skerry/api";
import type { Informer } from "@skerry/kube";
import type { ClusterInformers } from "../cluster-informers.ts";
import type { ReplicaSetStatus } from "./replica-set-status.ts";

/** A kind that wants a number of pods, in the form of a ReplicaSet. */
export interface ReplicaKind {
  readonly kind: string;
  readonly resource: ResourceReference;
  readonly controllerName: string;
  readonly informer: Informer<ReplicaSet>;
  /** Back to the form in which it is written. */
  toWritten(object: ReplicaSet): ReplicaSet;
  /** What of a status the kind has. */
  toStatus(status: ReplicaSetStatus): ReplicaSetStatus;
}

/** apps/v1 ReplicaSet. */
export function replicaSetKind(informers: ClusterInformers): ReplicaKind {
  return {
    kind: "ReplicaSet",
    resource: replicaSets,
    controllerName: "replicaset-controller",
    informer: informers.replicaSets,
    toWritten: (object) => object,
    toStatus: (status) => status,
  };
}

/** core/v1 ReplicationController, what there was before ReplicaSets: its selector is a plain map of labels. */
export function replicationControllerKind(informers: ClusterInformers): ReplicaKind {
  return {
    kind: "ReplicationController",
    resource: replicationControllers,
    controllerName: "replication-controller",
    informer: informers.replicationControllers,
    toWritten: ({ spec, ...object }) => {
      const { matchLabels = {} } = spec.selector;
      return { ...object, spec: { ...spec, selector: matchLabels } as unknown as ReplicaSet["spec"] };
    },
    toStatus: ({ terminatingReplicas: _not, ...status }) => status,
  };
}

/** A ReplicationController as it is cached: in the form of a ReplicaSet. */
export function asReplicaSet({ spec, ...object }: ReplicaSet): ReplicaSet {
  const matchLabels = (spec.selector ?? {}) as Record<string, string>;
  return { ...object, spec: { ...spec, selector: { matchLabels } } };
}
