import type { ResourceReference } from "@skerry/api";
import { customResourceDefinitionStrategy } from "../../customresources/definition-strategy.ts";
import type { TypeTopologies } from "../../fieldmanager/type-topology.ts";
import * as columns from "../../table/columns.ts";
import { persistentVolumeClaimColumns, persistentVolumeColumns } from "../../table/policy-columns.ts";
import { objectAt } from "../api-object.ts";
import { BuiltInSchema } from "../built-in-schema.ts";
import type { ResourceDefinition } from "../resource-definition.ts";
import { validateEndpoints, validateLease } from "../validation/cluster-data-validation.ts";
import { roleBindingStrategy, roleStrategy } from "./access.ts";
import { autoscalingKinds } from "./autoscaling.ts";
import { batchKinds } from "./batch.ts";
import { certificateSigningRequestStrategy } from "./certificate-signing-request.ts";
import {
  configMapStrategy,
  eventStrategy,
  namespaceStrategy,
  nodeStrategy,
  plainStrategy,
  secretStrategy,
} from "./core.ts";
import { dataKinds } from "./data-kinds.ts";
import { endpointSliceStrategy } from "./endpoint-slice.ts";
import { eventFromCore, eventToCore } from "./event-conversion.ts";
import type { KindEntry } from "./kind-entry.ts";
import { podStrategy } from "./pod.ts";
import { policyKinds } from "./policy.ts";
import { priorityClassStrategy } from "./priority-class.ts";
import { serviceStrategy } from "./service.ts";
import { persistentVolumeClaimStrategy, persistentVolumeStrategy } from "./storage.ts";
import { deploymentStrategy, replicaSetStrategy, workloadKinds } from "./workloads.ts";

const RBAC = "rbac.authorization.k8s.io";

const KINDS: readonly KindEntry[] = [
  {
    group: "",
    resource: "namespaces",
    kind: "Namespace",
    namespaced: false,
    shortNames: ["ns"],
    strategy: namespaceStrategy,
    columns: columns.namespaceColumns,
    subresources: ["finalize"],
  },
  {
    group: "",
    resource: "pods",
    kind: "Pod",
    shortNames: ["po"],
    categories: ["all"],
    strategy: podStrategy,
    columns: columns.podColumns,
    subresources: ["binding", "ephemeralcontainers", "eviction", "resize"],
  },
  {
    group: "",
    resource: "nodes",
    kind: "Node",
    namespaced: false,
    shortNames: ["no"],
    strategy: nodeStrategy,
    columns: columns.nodeColumns,
  },
  {
    group: "",
    resource: "configmaps",
    kind: "ConfigMap",
    shortNames: ["cm"],
    strategy: configMapStrategy,
    columns: columns.configMapColumns,
  },
  { group: "", resource: "secrets", kind: "Secret", strategy: secretStrategy, columns: columns.secretColumns },
  {
    group: "",
    resource: "serviceaccounts",
    kind: "ServiceAccount",
    shortNames: ["sa"],
    strategy: plainStrategy,
    columns: columns.defaultColumns,
    subresources: ["token"],
  },
  {
    group: "",
    resource: "services",
    kind: "Service",
    shortNames: ["svc"],
    categories: ["all"],
    strategy: serviceStrategy,
    columns: columns.serviceColumns,
  },
  {
    group: "",
    resource: "endpoints",
    kind: "Endpoints",
    shortNames: ["ep"],
    strategy: { ...plainStrategy, validate: validateEndpoints },
    columns: columns.endpointsColumns,
    deprecation: "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
  },
  {
    group: "",
    resource: "events",
    kind: "Event",
    shortNames: ["ev"],
    strategy: eventStrategy,
    columns: columns.eventColumns,
  },
  {
    group: "",
    resource: "persistentvolumes",
    kind: "PersistentVolume",
    namespaced: false,
    shortNames: ["pv"],
    strategy: persistentVolumeStrategy,
    columns: persistentVolumeColumns,
  },
  {
    group: "",
    resource: "persistentvolumeclaims",
    kind: "PersistentVolumeClaim",
    shortNames: ["pvc"],
    strategy: persistentVolumeClaimStrategy,
    columns: persistentVolumeClaimColumns,
  },
  {
    group: "apps",
    resource: "deployments",
    kind: "Deployment",
    shortNames: ["deploy"],
    categories: ["all"],
    strategy: deploymentStrategy,
    columns: columns.deploymentColumns,
  },
  {
    group: "apps",
    resource: "replicasets",
    kind: "ReplicaSet",
    shortNames: ["rs"],
    categories: ["all"],
    strategy: replicaSetStrategy,
    columns: columns.replicaSetColumns,
  },
  {
    group: "coordination.k8s.io",
    resource: "leases",
    kind: "Lease",
    strategy: { ...plainStrategy, validate: (lease) => validateLease(objectAt(lease, "spec"), "spec") },
    columns: columns.leaseColumns,
  },
  {
    group: "events.k8s.io",
    resource: "events",
    kind: "Event",
    shortNames: ["ev"],
    strategy: plainStrategy,
    columns: columns.defaultColumns,
    storageKey: "/events",
    conversion: { toStored: eventToCore, fromStored: eventFromCore },
  },
  {
    group: "discovery.k8s.io",
    resource: "endpointslices",
    kind: "EndpointSlice",
    strategy: endpointSliceStrategy,
    columns: columns.endpointSliceColumns,
  },
  {
    group: "apiextensions.k8s.io",
    resource: "customresourcedefinitions",
    kind: "CustomResourceDefinition",
    namespaced: false,
    shortNames: ["crd", "crds"],
    categories: ["api-extensions"],
    strategy: customResourceDefinitionStrategy,
    columns: columns.customResourceDefinitionColumns,
  },
  { group: RBAC, resource: "roles", kind: "Role", strategy: roleStrategy, columns: columns.roleColumns },
  {
    group: RBAC,
    resource: "rolebindings",
    kind: "RoleBinding",
    strategy: roleBindingStrategy,
    columns: columns.roleBindingColumns,
  },
  {
    group: RBAC,
    resource: "clusterroles",
    kind: "ClusterRole",
    namespaced: false,
    strategy: roleStrategy,
    columns: columns.roleColumns,
  },
  {
    group: RBAC,
    resource: "clusterrolebindings",
    kind: "ClusterRoleBinding",
    namespaced: false,
    strategy: roleBindingStrategy,
    columns: columns.roleBindingColumns,
  },
  {
    group: "certificates.k8s.io",
    resource: "certificatesigningrequests",
    kind: "CertificateSigningRequest",
    namespaced: false,
    shortNames: ["csr"],
    strategy: certificateSigningRequestStrategy,
    columns: columns.certificateSigningRequestColumns,
    subresources: ["approval"],
  },
  {
    group: "scheduling.k8s.io",
    resource: "priorityclasses",
    kind: "PriorityClass",
    namespaced: false,
    shortNames: ["pc"],
    strategy: priorityClassStrategy,
    columns: columns.priorityClassColumns,
  },
  ...workloadKinds,
  ...batchKinds,
  ...autoscalingKinds,
  ...policyKinds,
  ...dataKinds,
];

/** Where the built-in kinds are found; `events.k8s.io` is left out, its objects are those of core `events`. */
export function builtInReferences(): ResourceReference[] {
  return KINDS.filter(({ conversion }) => conversion === undefined).map(
    ({ group, version = "v1", resource, kind, namespaced = true }) => ({ group, version, resource, kind, namespaced }),
  );
}

/** The definitions of all built-in kinds. */
export function builtInResources(topologies: TypeTopologies): ResourceDefinition[] {
  return KINDS.map((entry) => {
    const { group, version = "v1", resource, kind, namespaced = true } = entry;
    const reference: ResourceReference = { group, version, resource, kind, namespaced };
    const typeName = `${group === "" ? "core" : (group.split(".")[0] ?? group)}.${version}.${kind}`;
    return {
      reference,
      singular: kind.toLowerCase(),
      shortNames: entry.shortNames ?? [],
      categories: entry.categories ?? [],
      storageKey: entry.storageKey ?? `${group}/${resource}`,
      schema: new BuiltInSchema(topologies, typeName, reference),
      strategy: entry.strategy,
      subresources: entry.subresources ?? [],
      columns: entry.columns,
      openApi: { typeName },
      isCustom: false,
      ...(entry.deprecation === undefined ? {} : { deprecation: entry.deprecation }),
      ...(entry.withoutEffect === undefined ? {} : { withoutEffect: entry.withoutEffect }),
      ...(entry.conversion ? { conversion: entry.conversion } : {}),
    };
  });
}
