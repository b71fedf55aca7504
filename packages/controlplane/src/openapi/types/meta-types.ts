import type { TypeTable } from "../type-table.ts";

/** apimachinery's metadata types and autoscaling/v1 Scale. Read as type-table.ts tells. */
export const metaTypes: TypeTable = {
  "autoscaling.v1.Scale":
    "- apiVersion string;- kind string;1 metadata meta.v1.ObjectMeta value;2 spec autoscaling.v1.ScaleSpec value;3 status autoscaling.v1.ScaleStatus value",
  "autoscaling.v1.ScaleSpec": "1 replicas int32",
  "autoscaling.v1.ScaleStatus": "1 replicas! int32;2 selector string",
  "meta.v1.Condition":
    "4 lastTransitionTime! time;6 message! string;3 observedGeneration int64;5 reason! string;2 status! string;1 type! string",
  "meta.v1.DeleteOptions":
    "- apiVersion string;5 dryRun []string atomic;1 gracePeriodSeconds int64;6 ignoreStoreReadErrorWithClusterBreakingPotential bool;- kind string;3 orphanDependents bool;2 preconditions meta.v1.Preconditions;4 propagationPolicy string",
  "meta.v1.FieldSelectorRequirement": "1 key! string;2 operator! string;3 values []string atomic",
  "meta.v1.LabelSelector": "atomic;2 matchExpressions []meta.v1.LabelSelectorRequirement atomic;1 matchLabels {}string",
  "meta.v1.LabelSelectorRequirement": "1 key! string;2 operator! string;3 values []string atomic",
  "meta.v1.ListMeta":
    "3 continue string;4 remainingItemCount int64;2 resourceVersion string;1 selfLink string;5 shardInfo meta.v1.ShardInfo",
  "meta.v1.ManagedFieldsEntry":
    "3 apiVersion string;6 fieldsType string;7 fieldsV1 fields;1 manager string;2 operation string;8 subresource string;4 time time",
  "meta.v1.ObjectMeta":
    "12 annotations {}string;8 creationTimestamp time;10 deletionGracePeriodSeconds int64;9 deletionTimestamp time;14 finalizers []string merge set;2 generateName string;7 generation int64;11 labels {}string;17 managedFields []meta.v1.ManagedFieldsEntry atomic;1 name string;3 namespace string;13 ownerReferences []meta.v1.OwnerReference merge:uid map;6 resourceVersion string;4 selfLink string;5 uid string",
  "meta.v1.OwnerReference":
    "atomic;5 apiVersion! string;7 blockOwnerDeletion bool;6 controller bool;1 kind! string;3 name! string;4 uid! string",
  "meta.v1.Preconditions": "2 resourceVersion string;1 uid string",
  "meta.v1.ShardInfo": "1 selector! string",
  "meta.v1.Status":
    "- apiVersion string;6 code int32;5 details meta.v1.StatusDetails;- kind string;3 message string;1 metadata meta.v1.ListMeta value;4 reason string;2 status string",
  "meta.v1.StatusCause": "3 field string;2 message string;1 reason string",
  "meta.v1.StatusDetails":
    "4 causes []meta.v1.StatusCause atomic;2 group string;3 kind string;1 name string;5 retryAfterSeconds int32;6 uid string",
};
