import type { TypeTable } from "../type-table.ts";

/** Types of PodDisruptionBudgets and Evictions. */
export const policyTypes: TypeTable = {
  "policy.v1.PodDisruptionBudget":
    "- apiVersion string;- kind string;1 metadata meta.v1.ObjectMeta value;2 spec policy.v1.PodDisruptionBudgetSpec value;3 status policy.v1.PodDisruptionBudgetStatus value",
  "policy.v1.PodDisruptionBudgetSpec":
    "3 maxUnavailable intorstring;1 minAvailable intorstring;2 selector meta.v1.LabelSelector;4 unhealthyPodEvictionPolicy string enum:AlwaysAllow|IfHealthyBudget",
  "policy.v1.PodDisruptionBudgetStatus":
    "7 conditions []meta.v1.Condition merge:type map;4 currentHealthy int32;5 desiredHealthy int32;2 disruptedPods {}time;3 disruptionsAllowed int32;6 expectedPods int32;1 observedGeneration int64",
};
