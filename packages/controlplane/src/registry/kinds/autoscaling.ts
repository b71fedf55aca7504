import type { JsonObject } from "@skerry/base";
import { horizontalPodAutoscalerColumns } from "../../table/policy-columns.ts";
import {
  type ApiObject,
  asApiObject,
  asJsonObject,
  ensureObject,
  numberAt,
  objectAt,
  objectsIn,
  setDefault,
  textAt,
} from "../api-object.ts";
import { type FieldError, invalidValue } from "../field-error.ts";
import type { KindStrategy } from "../resource-definition.ts";
import type { KindEntry } from "./kind-entry.ts";

/** autoscaling HorizontalPodAutoscaler: kept as data, nothing scales by it. Stored as v2. */
export const horizontalPodAutoscalerStrategy: KindStrategy = {
  hasStatus: true,
  tracksGeneration: false,
  applyDefaults(scaler) {
    const spec = ensureObject(scaler, "spec");
    setDefault(spec, "minReplicas", 1);
    if (scaler["apiVersion"] === "autoscaling/v2" && objectsIn(spec["metrics"]).length === 0)
      spec["metrics"] = [cpuMetric(80)];
  },
  prepareForCreate(scaler) {
    const isFirst = scaler["apiVersion"] === "autoscaling/v1";
    scaler["status"] = isFirst
      ? { currentReplicas: 0, desiredReplicas: 0 }
      : { desiredReplicas: 0, currentMetrics: null };
  },
  validate(scaler) {
    const spec = objectAt(scaler, "spec");
    const [least, most] = [numberAt(spec, "minReplicas") ?? 1, numberAt(spec, "maxReplicas") ?? 0];
    const errors: FieldError[] = [];
    if (least < 1) errors.push(invalidValue("spec.minReplicas", least, "must be greater than or equal to 1"));
    if (most < 1) errors.push(invalidValue("spec.maxReplicas", most, "must be greater than 0"));
    else if (most < least)
      errors.push(invalidValue("spec.maxReplicas", most, "must be greater than or equal to `minReplicas`"));
    return errors;
  },
};

function cpuMetric(share: number): JsonObject {
  const target = { type: "Utilization", averageUtilization: share };
  return { type: "Resource", resource: { name: "cpu", target } };
}

/** autoscaling/v1 knows the processor's share only. */
function toNewer(scaler: ApiObject): ApiObject {
  const { targetCPUUtilizationPercentage: share, ...spec } = objectAt(asJsonObject(scaler), "spec");
  const { currentCPUUtilizationPercentage: _current, ...status } = objectAt(asJsonObject(scaler), "status");
  return asApiObject({
    ...asJsonObject(scaler),
    apiVersion: "autoscaling/v2",
    spec: { ...spec, metrics: [cpuMetric(typeof share === "number" ? share : 80)] },
    status,
  });
}

function toOlder(scaler: ApiObject): ApiObject {
  const { metrics, behavior: _behavior, ...spec } = objectAt(asJsonObject(scaler), "spec");
  const cpu = objectsIn(metrics).find((metric) => textAt(objectAt(metric, "resource"), "name") === "cpu");
  const share = numberAt(objectAt(objectAt(cpu, "resource"), "target"), "averageUtilization");
  const status = objectAt(asJsonObject(scaler), "status");
  return asApiObject({
    ...asJsonObject(scaler),
    apiVersion: "autoscaling/v1",
    spec: { ...spec, ...(share === undefined ? {} : { targetCPUUtilizationPercentage: share }) },
    status: {
      currentReplicas: numberAt(status, "currentReplicas") ?? 0,
      desiredReplicas: numberAt(status, "desiredReplicas") ?? 0,
    },
  });
}

const entry = {
  group: "autoscaling",
  resource: "horizontalpodautoscalers",
  kind: "HorizontalPodAutoscaler",
  shortNames: ["hpa"],
  categories: ["all"],
  strategy: horizontalPodAutoscalerStrategy,
  columns: horizontalPodAutoscalerColumns,
} as const satisfies KindEntry;

/** Kinds of autoscaling, newest version first. */
export const autoscalingKinds: readonly KindEntry[] = [
  { ...entry, version: "v2" },
  { ...entry, version: "v1", conversion: { toStored: toNewer, fromStored: toOlder } },
];
