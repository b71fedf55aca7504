import {
  type ConfigMap,
  type ControllerRevision,
  type CronJob,
  configMaps,
  controllerRevisions,
  cronJobs,
  customResourceDefinitions,
  type DaemonSet,
  type Deployment,
  daemonSets,
  deployments,
  type Job,
  jobs,
  type KubernetesObject,
  type Lease,
  leases,
  type Namespace,
  type Node,
  namespaces,
  nodes,
  type PersistentVolume,
  type PersistentVolumeClaim,
  type Pod,
  type PodDisruptionBudget,
  persistentVolumeClaims,
  persistentVolumes,
  podDisruptionBudgets,
  pods,
  type ReplicaSet,
  type ResourceReference,
  replicaSets,
  replicationControllers,
  type Service,
  type ServiceAccount,
  type StatefulSet,
  type StorageClass,
  serviceAccounts,
  services,
  statefulSets,
  storageClasses,
} from "@skerry/api";
import { claimNameOf, type Indexer, Informer, type InformerOptions } from "@skerry/kube";
import type { ControllerPorts } from "./controller-ports.ts";
import { controllerOf } from "./owner-references.ts";
import { asReplicaSet } from "./replicaset/replica-kind.ts";

/** Index of objects by the UID of the controller that owns them. */
export const BY_CONTROLLER = "controller";
/** Index of namespaced objects by their namespace. */
export const BY_NAMESPACE = "namespace";
/** Index of pods by the node they are bound to; unbound ones under the empty name. */
export const BY_NODE = "node";
/** Index of pods by `namespace/name` of the claims that are made, or to be made, for their ephemeral volumes. */
export const BY_EPHEMERAL_CLAIM = "ephemeral-claim";

/** Name of the ConfigMap with the cluster's CA certificate in each namespace. */
export const ROOT_CA_CONFIG_MAP = "kube-root-ca.crt";

/** The informers that the controllers share, one per kind. */
export interface ClusterInformers {
  readonly pods: Informer<Pod>;
  readonly nodes: Informer<Node>;
  readonly leases: Informer<Lease>;
  readonly namespaces: Informer<Namespace>;
  readonly deployments: Informer<Deployment>;
  readonly replicaSets: Informer<ReplicaSet>;
  /** In the form of ReplicaSets. */
  readonly replicationControllers: Informer<ReplicaSet>;
  readonly statefulSets: Informer<StatefulSet>;
  readonly daemonSets: Informer<DaemonSet>;
  readonly controllerRevisions: Informer<ControllerRevision>;
  readonly jobs: Informer<Job>;
  readonly cronJobs: Informer<CronJob>;
  readonly podDisruptionBudgets: Informer<PodDisruptionBudget>;
  readonly persistentVolumes: Informer<PersistentVolume>;
  readonly persistentVolumeClaims: Informer<PersistentVolumeClaim>;
  readonly storageClasses: Informer<StorageClass>;
  readonly services: Informer<Service>;
  readonly serviceAccounts: Informer<ServiceAccount>;
  readonly customResourceDefinitions: Informer<KubernetesObject>;
  /** Only those named {@link ROOT_CA_CONFIG_MAP}. */
  readonly rootCaConfigMaps: Informer<ConfigMap>;
}

const controllerIndex = <T extends KubernetesObject>(object: T): string[] => {
  const owner = controllerOf(object);
  return owner ? [owner.uid] : [];
};
const namespaceIndex = <T extends KubernetesObject>(object: T): string[] => [object.metadata.namespace ?? ""];

/** Creates the shared informers; nothing is started yet. */
export function createClusterInformers(ports: ControllerPorts): ClusterInformers {
  const informer = <T extends KubernetesObject>(
    resource: ResourceReference,
    indexers: Readonly<Record<string, Indexer<T>>> = {},
    more: Pick<InformerOptions<T>, "fieldSelector" | "transform"> & { readonly namespace?: string } = {},
  ): Informer<T> => {
    const { namespace, ...options } = more;
    return new Informer<T>({
      ...ports,
      target: { resource, ...(namespace === undefined ? {} : { namespace }) },
      indexers,
      transform: withoutManagedFields,
      ...options,
    });
  };
  return {
    pods: informer<Pod>(pods, {
      [BY_CONTROLLER]: controllerIndex,
      [BY_NAMESPACE]: namespaceIndex,
      [BY_NODE]: (pod) => [pod.spec.nodeName ?? ""],
      [BY_EPHEMERAL_CLAIM]: (pod) =>
        (pod.spec.volumes ?? []).flatMap((volume) =>
          volume.ephemeral ? [`${pod.metadata.namespace ?? ""}/${claimNameOf(pod, volume) ?? ""}`] : [],
        ),
    }),
    nodes: informer<Node>(nodes),
    leases: informer<Lease>(leases, {}, { namespace: "kube-node-lease" }),
    namespaces: informer<Namespace>(namespaces),
    deployments: informer<Deployment>(deployments, { [BY_NAMESPACE]: namespaceIndex }),
    replicaSets: informer<ReplicaSet>(replicaSets, {
      [BY_CONTROLLER]: controllerIndex,
      [BY_NAMESPACE]: namespaceIndex,
    }),
    replicationControllers: informer<ReplicaSet>(
      replicationControllers,
      { [BY_NAMESPACE]: namespaceIndex },
      { transform: (object) => asReplicaSet(withoutManagedFields(object)) },
    ),
    statefulSets: informer<StatefulSet>(statefulSets, { [BY_NAMESPACE]: namespaceIndex }),
    daemonSets: informer<DaemonSet>(daemonSets, { [BY_NAMESPACE]: namespaceIndex }),
    controllerRevisions: informer<ControllerRevision>(controllerRevisions, {
      [BY_CONTROLLER]: controllerIndex,
      [BY_NAMESPACE]: namespaceIndex,
    }),
    podDisruptionBudgets: informer<PodDisruptionBudget>(podDisruptionBudgets, { [BY_NAMESPACE]: namespaceIndex }),
    persistentVolumes: informer<PersistentVolume>(persistentVolumes),
    persistentVolumeClaims: informer<PersistentVolumeClaim>(persistentVolumeClaims),
    storageClasses: informer<StorageClass>(storageClasses),
    cronJobs: informer<CronJob>(cronJobs),
    jobs: informer<Job>(jobs, { [BY_CONTROLLER]: controllerIndex, [BY_NAMESPACE]: namespaceIndex }),
    services: informer<Service>(services, { [BY_NAMESPACE]: namespaceIndex }),
    serviceAccounts: informer<ServiceAccount>(serviceAccounts, {}, { fieldSelector: "metadata.name=default" }),
    customResourceDefinitions: informer<KubernetesObject>(customResourceDefinitions),
    rootCaConfigMaps: informer<ConfigMap>(configMaps, {}, { fieldSelector: `metadata.name=${ROOT_CA_CONFIG_MAP}` }),
  };
}

/** Drops what no controller reads, to save memory. */
export function withoutManagedFields<T extends KubernetesObject>(object: T): T {
  if (!object.metadata.managedFields) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}
