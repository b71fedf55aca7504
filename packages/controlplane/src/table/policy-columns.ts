import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import { numberAt, objectAt, objectsIn, textAt } from "../registry/api-object.ts";
import { isDefaultClass } from "../registry/kinds/storage-class.ts";
import { age, createdAt, metadata, name, orNone, spec, status } from "./common-columns.ts";
import { column, type TableColumn, wide } from "./table-column.ts";

const valueText = (value: JsonValue | undefined): string =>
  value === undefined || value === null ? "N/A" : String(value);

/** Columns of `kubectl get poddisruptionbudgets`. */
export const podDisruptionBudgetColumns: readonly TableColumn[] = [
  name,
  column("Min Available", (budget) => valueText(spec(budget)["minAvailable"])),
  column("Max Unavailable", (budget) => valueText(spec(budget)["maxUnavailable"])),
  column("Allowed Disruptions", (budget) => numberAt(status(budget), "disruptionsAllowed") ?? 0, "integer"),
  age,
];

/** Columns of `kubectl get resourcequotas`. */
export const resourceQuotaColumns: readonly TableColumn[] = [
  name,
  column("Request", (quota) => quotaText(quota, (resource) => !resource.startsWith("limits."))),
  column("Limit", (quota) => quotaText(quota, (resource) => resource.startsWith("limits."))),
  age,
];

function quotaText(quota: JsonObject, isShown: (resource: string) => boolean): string {
  const used = objectAt(status(quota), "used");
  return Object.entries(objectAt(status(quota), "hard"))
    .filter(([resource]) => isShown(resource))
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([resource, hard]) => `${resource}: ${used[resource] ?? 0}/${hard}`)
    .join(", ");
}

/** Columns of `kubectl get limitranges`. */
export const limitRangeColumns: readonly TableColumn[] = [name, createdAt];

/** Columns of `kubectl get horizontalpodautoscalers`. */
export const horizontalPodAutoscalerColumns: readonly TableColumn[] = [
  name,
  column("Reference", (object) => {
    const target = objectAt(spec(object), "scaleTargetRef");
    return `${textAt(target, "kind")}/${textAt(target, "name")}`;
  }),
  column("Targets", targetsText),
  column("MinPods", (object) => String(numberAt(spec(object), "minReplicas") ?? "<unset>")),
  column("MaxPods", (object): JsonValue => numberAt(spec(object), "maxReplicas") ?? 0),
  column("Replicas", (object): JsonValue => numberAt(status(object), "currentReplicas") ?? 0),
  age,
];

function targetsText(object: JsonObject): string {
  const metrics = objectsIn(spec(object)["metrics"]).map((metric) => {
    const resource = objectAt(metric, "resource");
    const wanted = objectAt(resource, "target");
    const share = numberAt(wanted, "averageUtilization");
    return `${textAt(resource, "name") || textAt(metric, "type")}: <unknown>/${share === undefined ? textAt(wanted, "averageValue") : `${share}%`}`;
  });
  return orNone(metrics.join(", "));
}

const reference = (object: JsonObject, member: string): string => orNone(textAt(spec(object), member));

/** Columns of `kubectl get persistentvolumeclaims`. */
export const persistentVolumeClaimColumns: readonly TableColumn[] = [
  name,
  column("Status", (claim) =>
    textAt(metadata(claim), "deletionTimestamp") === "" ? textAt(status(claim), "phase") : "Terminating",
  ),
  column("Volume", (claim) => textAt(spec(claim), "volumeName")),
  column("Capacity", (claim) => textAt(objectAt(status(claim), "capacity"), "storage")),
  column("Access Modes", (claim) => accessModes(status(claim)["accessModes"])),
  column("StorageClass", (claim) => textAt(spec(claim), "storageClassName")),
  column("VolumeAttributesClass", (claim) => textAt(spec(claim), "volumeAttributesClassName") || "<unset>"),
  age,
  wide("VolumeMode", (claim) => textAt(spec(claim), "volumeMode") || "<unset>"),
];

/** Columns of `kubectl get persistentvolumes`. */
export const persistentVolumeColumns: readonly TableColumn[] = [
  name,
  column("Capacity", (volume) => textAt(objectAt(spec(volume), "capacity"), "storage")),
  column("Access Modes", (volume) => accessModes(spec(volume)["accessModes"])),
  column("Reclaim Policy", (volume) => textAt(spec(volume), "persistentVolumeReclaimPolicy")),
  column("Status", (volume) =>
    textAt(metadata(volume), "deletionTimestamp") === "" ? textAt(status(volume), "phase") : "Terminating",
  ),
  column("Claim", (volume) => {
    const claim = spec(volume)["claimRef"];
    return isJsonObject(claim) ? `${textAt(claim, "namespace")}/${textAt(claim, "name")}` : "";
  }),
  column("StorageClass", (volume) => textAt(spec(volume), "storageClassName")),
  column("VolumeAttributesClass", (volume) => textAt(spec(volume), "volumeAttributesClassName") || "<unset>"),
  column("Reason", (volume) => textAt(status(volume), "reason")),
  age,
  wide("VolumeMode", (volume) => textAt(spec(volume), "volumeMode") || "<unset>"),
];

const SHORT_MODES: Readonly<Record<string, string>> = {
  ReadWriteOnce: "RWO",
  ReadOnlyMany: "ROX",
  ReadWriteMany: "RWX",
  ReadWriteOncePod: "RWOP",
};

function accessModes(modes: JsonValue | undefined): string {
  return (Array.isArray(modes) ? modes : []).map((mode) => SHORT_MODES[String(mode)] ?? String(mode)).join(",");
}

/** Columns of `kubectl get storageclasses`. */
export const storageClassColumns: readonly TableColumn[] = [
  {
    ...name,
    cell: (object, nowMs) => `${String(name.cell(object, nowMs))}${isDefaultClass(object) ? " (default)" : ""}`,
  },
  column("Provisioner", (object) => textAt(object, "provisioner")),
  column("ReclaimPolicy", (object) => textAt(object, "reclaimPolicy") || "Delete"),
  column("VolumeBindingMode", (object) => textAt(object, "volumeBindingMode") || "Immediate"),
  column("AllowVolumeExpansion", (object) => object["allowVolumeExpansion"] === true),
  age,
];

/** Columns of `kubectl get ingresses`. */
export const ingressColumns: readonly TableColumn[] = [
  name,
  column("Class", (ingress) => reference(ingress, "ingressClassName")),
  column("Hosts", (ingress) => {
    const hosts = objectsIn(spec(ingress)["rules"]).map((rule) => textAt(rule, "host") || "*");
    return hosts.length === 0 ? "*" : hosts.join(",");
  }),
  column("Address", (ingress) =>
    objectsIn(objectAt(status(ingress), "loadBalancer")["ingress"])
      .map((each) => textAt(each, "ip") || textAt(each, "hostname"))
      .join(","),
  ),
  column("Ports", (ingress) => (objectsIn(spec(ingress)["tls"]).length > 0 ? "80, 443" : "80")),
  age,
];

/** Columns of `kubectl get networkpolicies`. */
export const networkPolicyColumns: readonly TableColumn[] = [
  name,
  column("Pod-Selector", (policy) =>
    orNone(
      Object.entries(objectAt(objectAt(spec(policy), "podSelector"), "matchLabels"))
        .map(([key, value]) => `${key}=${value}`)
        .join(","),
    ),
  ),
  age,
];
