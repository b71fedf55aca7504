/** Names a collection of the Kubernetes API: where its REST path is and what its objects are called. */
export interface ResourceReference {
  /** API group; empty for the core group. */
  readonly group: string;
  readonly version: string;
  /** Lower-case plural as in the path, e.g. `pods`. */
  readonly resource: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

const core = (resource: string, kind: string, namespaced = true): ResourceReference => ({
  group: "",
  version: "v1",
  resource,
  kind,
  namespaced,
});

export const pods: ResourceReference = core("pods", "Pod");
export const configMaps: ResourceReference = core("configmaps", "ConfigMap");
export const secrets: ResourceReference = core("secrets", "Secret");
export const serviceAccounts: ResourceReference = core("serviceaccounts", "ServiceAccount");
export const events: ResourceReference = core("events", "Event");
export const services: ResourceReference = core("services", "Service");
export const endpoints: ResourceReference = core("endpoints", "Endpoints");
export const replicationControllers: ResourceReference = core("replicationcontrollers", "ReplicationController");
export const nodes: ResourceReference = core("nodes", "Node", false);
export const namespaces: ResourceReference = core("namespaces", "Namespace", false);
export const persistentVolumes: ResourceReference = core("persistentvolumes", "PersistentVolume", false);
export const persistentVolumeClaims: ResourceReference = core("persistentvolumeclaims", "PersistentVolumeClaim");
export const deployments: ResourceReference = {
  group: "apps",
  version: "v1",
  resource: "deployments",
  kind: "Deployment",
  namespaced: true,
};
export const replicaSets: ResourceReference = { ...deployments, resource: "replicasets", kind: "ReplicaSet" };
export const statefulSets: ResourceReference = { ...deployments, resource: "statefulsets", kind: "StatefulSet" };
export const daemonSets: ResourceReference = { ...deployments, resource: "daemonsets", kind: "DaemonSet" };
export const controllerRevisions: ResourceReference = {
  ...deployments,
  resource: "controllerrevisions",
  kind: "ControllerRevision",
};
export const jobs: ResourceReference = {
  group: "batch",
  version: "v1",
  resource: "jobs",
  kind: "Job",
  namespaced: true,
};
export const cronJobs: ResourceReference = { ...jobs, resource: "cronjobs", kind: "CronJob" };
export const podDisruptionBudgets: ResourceReference = {
  group: "policy",
  version: "v1",
  resource: "poddisruptionbudgets",
  kind: "PodDisruptionBudget",
  namespaced: true,
};
export const leases: ResourceReference = {
  group: "coordination.k8s.io",
  version: "v1",
  resource: "leases",
  kind: "Lease",
  namespaced: true,
};
export const certificateSigningRequests: ResourceReference = {
  group: "certificates.k8s.io",
  version: "v1",
  resource: "certificatesigningrequests",
  kind: "CertificateSigningRequest",
  namespaced: false,
};
export const clusterRoles: ResourceReference = {
  group: "rbac.authorization.k8s.io",
  version: "v1",
  resource: "clusterroles",
  kind: "ClusterRole",
  namespaced: false,
};
export const endpointSlices: ResourceReference = {
  group: "discovery.k8s.io",
  version: "v1",
  resource: "endpointslices",
  kind: "EndpointSlice",
  namespaced: true,
};
export const volumeAttachments: ResourceReference = {
  group: "storage.k8s.io",
  version: "v1",
  resource: "volumeattachments",
  kind: "VolumeAttachment",
  namespaced: false,
};
export const storageClasses: ResourceReference = {
  ...volumeAttachments,
  resource: "storageclasses",
  kind: "StorageClass",
};
export const customResourceDefinitions: ResourceReference = {
  group: "apiextensions.k8s.io",
  version: "v1",
  resource: "customresourcedefinitions",
  kind: "CustomResourceDefinition",
  namespaced: false,
};

const devicesGroup = (resource: string, kind: string): ResourceReference => ({
  group: "devices.kubeedge.io",
  version: "v1beta1",
  resource,
  kind,
  namespaced: true,
});

export const devices: ResourceReference = devicesGroup("devices", "Device");
export const deviceModels: ResourceReference = devicesGroup("devicemodels", "DeviceModel");
export const deviceStatuses: ResourceReference = devicesGroup("devicestatuses", "DeviceStatus");
export const objectSyncs: ResourceReference = {
  group: "reliablesyncs.kubeedge.io",
  version: "v1alpha1",
  resource: "objectsyncs",
  kind: "ObjectSync",
  namespaced: true,
};
export const clusterObjectSyncs: ResourceReference = {
  ...objectSyncs,
  resource: "clusterobjectsyncs",
  kind: "ClusterObjectSync",
  namespaced: false,
};

export const rules: ResourceReference = {
  group: "rules.kubeedge.io",
  version: "v1",
  resource: "rules",
  kind: "Rule",
  namespaced: true,
};
export const ruleEndpoints: ResourceReference = { ...rules, resource: "ruleendpoints", kind: "RuleEndpoint" };

const operations = (resource: string, kind: string): ResourceReference => ({
  group: "operations.kubeedge.io",
  version: "v1alpha2",
  resource,
  kind,
  namespaced: false,
});

export const imagePrePullJobs: ResourceReference = operations("imageprepulljobs", "ImagePrePullJob");
export const configUpdateJobs: ResourceReference = operations("configupdatejobs", "ConfigUpdateJob");
export const nodeUpgradeJobs: ResourceReference = operations("nodeupgradejobs", "NodeUpgradeJob");

/** `v1`, `apps/v1`, … */
export function apiVersionOf(reference: ResourceReference): string {
  return reference.group === "" ? reference.version : `${reference.group}/${reference.version}`;
}
