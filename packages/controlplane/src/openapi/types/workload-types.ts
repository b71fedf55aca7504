import type { TypeTable } from "../type-table.ts";

/** apps, coordination, discovery, events, policy and scheduling. Read as type-table.ts tells. */
export const workloadTypes: TypeTable = {
  "apps.v1.Deployment":
    "- apiVersion string;- kind string;1 metadata meta.v1.ObjectMeta value;2 spec apps.v1.DeploymentSpec value;3 status apps.v1.DeploymentStatus value",
  "apps.v1.DeploymentCondition":
    "7 lastTransitionTime time;6 lastUpdateTime time;5 message string;4 reason string;2 status! string;1 type! string",
  "apps.v1.DeploymentSpec":
    "5 minReadySeconds int32;7 paused bool;9 progressDeadlineSeconds int32;1 replicas int32;6 revisionHistoryLimit int32;2 selector! meta.v1.LabelSelector;4 strategy apps.v1.DeploymentStrategy retainKeys value;3 template! core.v1.PodTemplateSpec value",
  "apps.v1.DeploymentStatus":
    "4 availableReplicas int32;8 collisionCount int32;6 conditions []apps.v1.DeploymentCondition merge:type map;1 observedGeneration int64;7 readyReplicas int32;2 replicas int32;9 terminatingReplicas int32;5 unavailableReplicas int32;3 updatedReplicas int32",
  "apps.v1.DeploymentStrategy":
    "2 rollingUpdate apps.v1.RollingUpdateDeployment;1 type string enum:Recreate|RollingUpdate",
  "apps.v1.ReplicaSet":
    "- apiVersion string;- kind string;1 metadata meta.v1.ObjectMeta value;2 spec apps.v1.ReplicaSetSpec value;3 status apps.v1.ReplicaSetStatus value",
  "apps.v1.ReplicaSetCondition":
    "3 lastTransitionTime time;5 message string;4 reason string;2 status! string;1 type! string",
  "apps.v1.ReplicaSetSpec":
    "4 minReadySeconds int32;1 replicas int32;2 selector! meta.v1.LabelSelector;3 template core.v1.PodTemplateSpec value",
  "apps.v1.ReplicaSetStatus":
    "5 availableReplicas int32;6 conditions []apps.v1.ReplicaSetCondition merge:type map;2 fullyLabeledReplicas int32;3 observedGeneration int64;4 readyReplicas int32;1 replicas! int32;7 terminatingReplicas int32",
  "apps.v1.RollingUpdateDeployment": "2 maxSurge intorstring;1 maxUnavailable intorstring",
  "coordination.v1.Lease":
    "- apiVersion string;- kind string;1 metadata meta.v1.ObjectMeta value;2 spec coordination.v1.LeaseSpec value",
  "coordination.v1.LeaseSpec":
    "3 acquireTime microtime;1 holderIdentity string;2 leaseDurationSeconds int32;5 leaseTransitions int32;7 preferredHolder string;4 renewTime microtime;6 strategy string",
  "discovery.v1.Endpoint":
    "1 addresses! []string set;2 conditions discovery.v1.EndpointConditions value;5 deprecatedTopology {}string;8 hints discovery.v1.EndpointHints;3 hostname string;6 nodeName string;4 targetRef core.v1.ObjectReference;7 zone string",
  "discovery.v1.EndpointConditions": "1 ready bool;2 serving bool;3 terminating bool",
  "discovery.v1.EndpointHints": "2 forNodes []discovery.v1.ForNode atomic;1 forZones []discovery.v1.ForZone atomic",
  "discovery.v1.EndpointPort":
    "atomic;4 appProtocol string;1 name string;3 port int32;2 protocol string enum:SCTP|TCP|UDP",
  "discovery.v1.EndpointSlice":
    "4 addressType! string enum:FQDN|IPv4|IPv6;- apiVersion string;2 endpoints []discovery.v1.Endpoint atomic;- kind string;1 metadata meta.v1.ObjectMeta value;3 ports []discovery.v1.EndpointPort atomic",
  "discovery.v1.ForNode": "1 name! string",
  "discovery.v1.ForZone": "1 name! string",
  "events.v1.Event":
    "6 action string;- apiVersion string;15 deprecatedCount int32;13 deprecatedFirstTimestamp time;14 deprecatedLastTimestamp time;12 deprecatedSource core.v1.EventSource value;2 eventTime! microtime;- kind string;1 metadata meta.v1.ObjectMeta value;10 note string;7 reason string;8 regarding core.v1.ObjectReference value;9 related core.v1.ObjectReference;4 reportingController string;5 reportingInstance string;3 series events.v1.EventSeries;11 type string",
  "events.v1.EventSeries": "1 count! int32;2 lastObservedTime! microtime",
  "policy.v1.Eviction":
    "- apiVersion string;2 deleteOptions meta.v1.DeleteOptions;- kind string;1 metadata meta.v1.ObjectMeta value",
  "scheduling.v1.PriorityClass":
    "- apiVersion string;4 description string;3 globalDefault bool;- kind string;1 metadata meta.v1.ObjectMeta value;5 preemptionPolicy string enum:Never|PreemptLowerPriority;2 value int32",
  "apps.v1.ControllerRevision":
    "- apiVersion string;2 data raw;- kind string;1 metadata meta.v1.ObjectMeta value;3 revision! int64",
  "apps.v1.DaemonSet":
    "- apiVersion string;- kind string;1 metadata meta.v1.ObjectMeta value;2 spec apps.v1.DaemonSetSpec value;3 status apps.v1.DaemonSetStatus value",
  "apps.v1.DaemonSetCondition":
    "3 lastTransitionTime time;5 message string;4 reason string;2 status! string;1 type! string",
  "apps.v1.DaemonSetSpec":
    "4 minReadySeconds int32;6 revisionHistoryLimit int32;1 selector! meta.v1.LabelSelector;2 template! core.v1.PodTemplateSpec value;3 updateStrategy apps.v1.DaemonSetUpdateStrategy value",
  "apps.v1.DaemonSetStatus":
    "9 collisionCount int32;10 conditions []apps.v1.DaemonSetCondition merge:type map;1 currentNumberScheduled! int32;3 desiredNumberScheduled! int32;7 numberAvailable int32;2 numberMisscheduled! int32;4 numberReady! int32;8 numberUnavailable int32;5 observedGeneration int64;6 updatedNumberScheduled int32",
  "apps.v1.DaemonSetUpdateStrategy":
    "2 rollingUpdate apps.v1.RollingUpdateDaemonSet;1 type string enum:OnDelete|RollingUpdate",
  "apps.v1.RollingUpdateDaemonSet": "2 maxSurge intorstring;1 maxUnavailable intorstring",
  "apps.v1.RollingUpdateStatefulSetStrategy": "2 maxUnavailable intorstring;1 partition int32",
  "apps.v1.StatefulSet":
    "- apiVersion string;- kind string;1 metadata meta.v1.ObjectMeta value;2 spec apps.v1.StatefulSetSpec value;3 status apps.v1.StatefulSetStatus value",
  "apps.v1.StatefulSetCondition":
    "3 lastTransitionTime time;5 message string;4 reason string;2 status! string;1 type! string",
  "apps.v1.StatefulSetOrdinals": "1 start int32",
  "apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy": "1 whenDeleted string;2 whenScaled string",
  "apps.v1.StatefulSetSpec":
    "9 minReadySeconds int32;11 ordinals apps.v1.StatefulSetOrdinals;10 persistentVolumeClaimRetentionPolicy apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy;6 podManagementPolicy string enum:OrderedReady|Parallel;1 replicas int32;8 revisionHistoryLimit int32;2 selector! meta.v1.LabelSelector;5 serviceName string;3 template! core.v1.PodTemplateSpec value;7 updateStrategy apps.v1.StatefulSetUpdateStrategy value;4 volumeClaimTemplates []core.v1.PersistentVolumeClaim atomic",
  "apps.v1.StatefulSetStatus":
    "11 availableReplicas int32;9 collisionCount int32;10 conditions []apps.v1.StatefulSetCondition merge:type map;4 currentReplicas int32;6 currentRevision string;1 observedGeneration int64;3 readyReplicas int32;2 replicas! int32;7 updateRevision string;5 updatedReplicas int32",
  "apps.v1.StatefulSetUpdateStrategy":
    "2 rollingUpdate apps.v1.RollingUpdateStatefulSetStrategy;1 type string enum:OnDelete|RollingUpdate",
};
