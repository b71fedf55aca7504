import { defaultColumns } from "../../table/columns.ts";
import { age, name } from "../../table/common-columns.ts";
import { ingressColumns, networkPolicyColumns, storageClassColumns } from "../../table/policy-columns.ts";
import { column } from "../../table/table-column.ts";
import { ensureObject, objectAt, objectsIn, setDefault, textAt } from "../api-object.ts";
import { invalidValue } from "../field-error.ts";
import type { KindStrategy } from "../resource-definition.ts";
import { validateRuntimeClass } from "../validation/cluster-data-validation.ts";
import { validateIngress } from "../validation/ingress-validation.ts";
import { validateNetworkPolicy } from "../validation/network-policy-validation.ts";
import { plainStrategy, statusStrategy } from "./core.ts";
import type { KindEntry } from "./kind-entry.ts";

const generations: KindStrategy = { ...plainStrategy, tracksGeneration: true };

/** networking.k8s.io/v1 NetworkPolicy: kept as data, nothing filters by it. */
const networkPolicyStrategy: KindStrategy = {
  ...generations,
  applyDefaults(policy) {
    const spec = ensureObject(policy, "spec");
    for (const list of ["ingress", "egress"])
      for (const rule of objectsIn(spec[list]))
        for (const port of objectsIn(rule["ports"])) setDefault(port, "protocol", "TCP");
    setDefault(spec, "policyTypes", objectsIn(spec["egress"]).length > 0 ? ["Ingress", "Egress"] : ["Ingress"]);
  },
  validate: (policy) => validateNetworkPolicy(objectAt(policy, "spec"), "spec"),
};

/** storage.k8s.io/v1 StorageClass. */
const storageClassStrategy: KindStrategy = {
  ...plainStrategy,
  applyDefaults(storageClass) {
    setDefault(storageClass, "reclaimPolicy", "Delete");
    setDefault(storageClass, "volumeBindingMode", "Immediate");
  },
};

/** storage.k8s.io/v1 CSIDriver. */
const csiDriverStrategy: KindStrategy = {
  ...plainStrategy,
  applyDefaults(driver) {
    const spec = ensureObject(driver, "spec");
    const defaults = {
      attachRequired: true,
      podInfoOnMount: false,
      storageCapacity: false,
      fsGroupPolicy: "ReadWriteOnceWithFSType",
      volumeLifecycleModes: ["Persistent"],
      requiresRepublish: false,
      seLinuxMount: false,
    };
    for (const [member, value] of Object.entries(defaults)) setDefault(spec, member, value);
  },
};

/** node.k8s.io/v1 RuntimeClass: its handler stays. */
const runtimeClassStrategy: KindStrategy = {
  ...plainStrategy,
  validate: validateRuntimeClass,
  validateUpdate: (next, previous) =>
    next["handler"] === previous["handler"] ? [] : [invalidValue("handler", next["handler"], "field is immutable")],
};

const NETWORKING = "networking.k8s.io";
const STORAGE = "storage.k8s.io";

/** Kinds that are kept for those who ask, and that nothing in this control plane acts on. */
export const dataKinds: readonly KindEntry[] = [
  {
    group: NETWORKING,
    resource: "ingresses",
    kind: "Ingress",
    shortNames: ["ing"],
    strategy: {
      ...statusStrategy,
      tracksGeneration: true,
      validate: (ingress) => validateIngress(objectAt(ingress, "spec"), "spec"),
    },
    columns: ingressColumns,
    withoutEffect: "an Ingress is only kept: nothing that is built in serves it",
  },
  {
    group: NETWORKING,
    resource: "ingressclasses",
    kind: "IngressClass",
    namespaced: false,
    strategy: generations,
    columns: [
      name,
      column("Controller", (object) => textAt(objectAt(object, "spec"), "controller")),
      column("Parameters", (object) => {
        const parameters = objectAt(objectAt(object, "spec"), "parameters");
        return textAt(parameters, "name") === ""
          ? "<none>"
          : `${textAt(parameters, "kind")}.${textAt(parameters, "apiGroup")}/${textAt(parameters, "name")}`;
      }),
      age,
    ],
  },
  {
    group: NETWORKING,
    resource: "networkpolicies",
    kind: "NetworkPolicy",
    shortNames: ["netpol"],
    strategy: networkPolicyStrategy,
    columns: networkPolicyColumns,
    withoutEffect: "a NetworkPolicy is only kept: nothing that is built in enforces it",
  },
  {
    group: STORAGE,
    resource: "storageclasses",
    kind: "StorageClass",
    namespaced: false,
    shortNames: ["sc"],
    strategy: storageClassStrategy,
    columns: storageClassColumns,
  },
  {
    group: STORAGE,
    resource: "csidrivers",
    kind: "CSIDriver",
    namespaced: false,
    strategy: csiDriverStrategy,
    columns: defaultColumns,
  },
  {
    group: STORAGE,
    resource: "csinodes",
    kind: "CSINode",
    namespaced: false,
    strategy: plainStrategy,
    columns: [
      name,
      column("Drivers", (object) => objectsIn(objectAt(object, "spec")["drivers"]).length, "integer"),
      age,
    ],
  },
  {
    group: STORAGE,
    resource: "csistoragecapacities",
    kind: "CSIStorageCapacity",
    strategy: plainStrategy,
    columns: defaultColumns,
  },
  {
    group: STORAGE,
    resource: "volumeattachments",
    kind: "VolumeAttachment",
    namespaced: false,
    strategy: statusStrategy,
    columns: [
      name,
      column("Attacher", (object) => textAt(objectAt(object, "spec"), "attacher")),
      column("PV", (object) => textAt(objectAt(objectAt(object, "spec"), "source"), "persistentVolumeName")),
      column("Node", (object) => textAt(objectAt(object, "spec"), "nodeName")),
      column("Attached", (object) => objectAt(object, "status")["attached"] === true, "boolean"),
      age,
    ],
  },
  {
    group: STORAGE,
    resource: "volumeattributesclasses",
    kind: "VolumeAttributesClass",
    namespaced: false,
    shortNames: ["vac"],
    strategy: plainStrategy,
    columns: [name, column("DriverName", (object) => textAt(object, "driverName")), age],
  },
  {
    group: "node.k8s.io",
    resource: "runtimeclasses",
    kind: "RuntimeClass",
    namespaced: false,
    strategy: runtimeClassStrategy,
    columns: [name, column("Handler", (object) => textAt(object, "handler")), age],
  },
];
