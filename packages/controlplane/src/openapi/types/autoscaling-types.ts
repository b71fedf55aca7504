import type { TypeTable } from "../type-table.ts";

/** Types of HorizontalPodAutoscalers and Scale. */
export const autoscalingTypes: TypeTable = {
  "autoscaling.v1.CrossVersionObjectReference": "atomic;3 apiVersion string;1 kind! string;2 name! string",
  "autoscaling.v1.HorizontalPodAutoscaler":
    "- apiVersion string;- kind string;1 metadata meta.v1.ObjectMeta;2 spec! autoscaling.v1.HorizontalPodAutoscalerSpec;3 status autoscaling.v1.HorizontalPodAutoscalerStatus",
  "autoscaling.v1.HorizontalPodAutoscalerSpec":
    "3 maxReplicas! int32;2 minReplicas int32;1 scaleTargetRef! autoscaling.v1.CrossVersionObjectReference;4 targetCPUUtilizationPercentage int32",
  "autoscaling.v1.HorizontalPodAutoscalerStatus":
    "5 currentCPUUtilizationPercentage int32;3 currentReplicas! int32;4 desiredReplicas! int32;2 lastScaleTime time;1 observedGeneration int64",
  "autoscaling.v2.ContainerResourceMetricSource":
    "3 container! string;1 name! string;2 target! autoscaling.v2.MetricTarget value",
  "autoscaling.v2.ContainerResourceMetricStatus":
    "3 container! string;2 current! autoscaling.v2.MetricValueStatus value;1 name! string",
  "autoscaling.v2.CrossVersionObjectReference": "3 apiVersion string;1 kind! string;2 name! string",
  "autoscaling.v2.ExternalMetricSource":
    "1 metric! autoscaling.v2.MetricIdentifier value;2 target! autoscaling.v2.MetricTarget value",
  "autoscaling.v2.ExternalMetricStatus":
    "2 current! autoscaling.v2.MetricValueStatus value;1 metric! autoscaling.v2.MetricIdentifier value",
  "autoscaling.v2.HPAScalingPolicy": "3 periodSeconds! int32;1 type! string;2 value! int32",
  "autoscaling.v2.HPAScalingRules":
    "2 policies []autoscaling.v2.HPAScalingPolicy atomic;1 selectPolicy string;3 stabilizationWindowSeconds int32;4 tolerance quantity",
  "autoscaling.v2.HorizontalPodAutoscaler":
    "- apiVersion string;- kind string;1 metadata meta.v1.ObjectMeta value;2 spec! autoscaling.v2.HorizontalPodAutoscalerSpec value;3 status autoscaling.v2.HorizontalPodAutoscalerStatus value",
  "autoscaling.v2.HorizontalPodAutoscalerBehavior":
    "2 scaleDown autoscaling.v2.HPAScalingRules;1 scaleUp autoscaling.v2.HPAScalingRules",
  "autoscaling.v2.HorizontalPodAutoscalerCondition":
    "3 lastTransitionTime time;5 message string;4 reason string;2 status! string;1 type! string",
  "autoscaling.v2.HorizontalPodAutoscalerSpec":
    "5 behavior autoscaling.v2.HorizontalPodAutoscalerBehavior;3 maxReplicas! int32;4 metrics []autoscaling.v2.MetricSpec atomic;2 minReplicas int32;1 scaleTargetRef! autoscaling.v2.CrossVersionObjectReference value",
  "autoscaling.v2.HorizontalPodAutoscalerStatus":
    "6 conditions []autoscaling.v2.HorizontalPodAutoscalerCondition merge:type map;5 currentMetrics []autoscaling.v2.MetricStatus atomic;3 currentReplicas int32;4 desiredReplicas! int32;2 lastScaleTime time;1 observedGeneration int64",
  "autoscaling.v2.MetricIdentifier": "1 name! string;2 selector meta.v1.LabelSelector",
  "autoscaling.v2.MetricSpec":
    "7 containerResource autoscaling.v2.ContainerResourceMetricSource;5 external autoscaling.v2.ExternalMetricSource;2 object autoscaling.v2.ObjectMetricSource;3 pods autoscaling.v2.PodsMetricSource;4 resource autoscaling.v2.ResourceMetricSource;1 type! string",
  "autoscaling.v2.MetricStatus":
    "7 containerResource autoscaling.v2.ContainerResourceMetricStatus;5 external autoscaling.v2.ExternalMetricStatus;2 object autoscaling.v2.ObjectMetricStatus;3 pods autoscaling.v2.PodsMetricStatus;4 resource autoscaling.v2.ResourceMetricStatus;1 type! string",
  "autoscaling.v2.MetricTarget": "4 averageUtilization int32;3 averageValue quantity;1 type! string;2 value quantity",
  "autoscaling.v2.MetricValueStatus": "3 averageUtilization int32;2 averageValue quantity;1 value quantity",
  "autoscaling.v2.ObjectMetricSource":
    "1 describedObject! autoscaling.v2.CrossVersionObjectReference value;3 metric! autoscaling.v2.MetricIdentifier value;2 target! autoscaling.v2.MetricTarget value",
  "autoscaling.v2.ObjectMetricStatus":
    "2 current! autoscaling.v2.MetricValueStatus value;3 describedObject! autoscaling.v2.CrossVersionObjectReference value;1 metric! autoscaling.v2.MetricIdentifier value",
  "autoscaling.v2.PodsMetricSource":
    "1 metric! autoscaling.v2.MetricIdentifier value;2 target! autoscaling.v2.MetricTarget value",
  "autoscaling.v2.PodsMetricStatus":
    "2 current! autoscaling.v2.MetricValueStatus value;1 metric! autoscaling.v2.MetricIdentifier value",
  "autoscaling.v2.ResourceMetricSource": "1 name! string;2 target! autoscaling.v2.MetricTarget value",
  "autoscaling.v2.ResourceMetricStatus": "2 current! autoscaling.v2.MetricValueStatus value;1 name! string",
};
