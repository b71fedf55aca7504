import type { TypeTable } from "../type-table.ts";

/** The other kinds of core/v1. Read as type-table.ts tells. */
export const coreTypes: TypeTable = {
  "core.v1.Binding":
    "- apiVersion string;- kind string;1 metadata meta.v1.ObjectMeta value;2 target! core.v1.ObjectReference value",
  "core.v1.ClientIPConfig": "1 timeoutSeconds int32",
  "core.v1.ConfigMap":
    "- apiVersion string;3 binaryData {}bytes;2 data {}string;4 immutable bool;- kind string;1 metadata meta.v1.ObjectMeta value",
  "core.v1.ContainerImage": "1 names []string atomic;2 sizeBytes int64",
  "core.v1.DaemonEndpoint": "1 Port! int32",
  "core.v1.EndpointAddress":
    "atomic;3 hostname string;1 ip! string;4 nodeName string;2 targetRef core.v1.ObjectReference",
  "core.v1.EndpointPort": "atomic;4 appProtocol string;1 name string;2 port! int32;3 protocol string enum:SCTP|TCP|UDP",
  "core.v1.EndpointSubset":
    "1 addresses []core.v1.EndpointAddress atomic;2 notReadyAddresses []core.v1.EndpointAddress atomic;3 ports []core.v1.EndpointPort atomic",
  "core.v1.Endpoints":
    "- apiVersion string;- kind string;1 metadata meta.v1.ObjectMeta value;2 subsets []core.v1.EndpointSubset atomic",
  "core.v1.Event":
    "12 action string;- apiVersion string;8 count int32;10 eventTime microtime;6 firstTimestamp time;2 involvedObject! core.v1.ObjectReference value;- kind string;7 lastTimestamp time;4 message string;1 metadata! meta.v1.ObjectMeta value;3 reason string;13 related core.v1.ObjectReference;14 reportingComponent string;15 reportingInstance string;11 series core.v1.EventSeries;5 source core.v1.EventSource value;9 type string",
  "core.v1.EventSeries": "1 count int32;2 lastObservedTime microtime",
  "core.v1.EventSource": "1 component string;2 host string",
  "core.v1.LoadBalancerIngress": "2 hostname string;1 ip string;3 ipMode string;4 ports []core.v1.PortStatus atomic",
  "core.v1.LoadBalancerStatus": "1 ingress []core.v1.LoadBalancerIngress atomic",
  "core.v1.Namespace":
    "- apiVersion string;- kind string;1 metadata meta.v1.ObjectMeta value;2 spec core.v1.NamespaceSpec value;3 status core.v1.NamespaceStatus value",
  "core.v1.NamespaceCondition":
    "4 lastTransitionTime time;6 message string;5 reason string;2 status! string;1 type! string",
  "core.v1.NamespaceSpec": "1 finalizers []string atomic",
  "core.v1.NamespaceStatus":
    "2 conditions []core.v1.NamespaceCondition merge:type map;1 phase string enum:Active|Terminating",
  "core.v1.Node":
    "- apiVersion string;- kind string;1 metadata meta.v1.ObjectMeta value;2 spec core.v1.NodeSpec value;3 status core.v1.NodeStatus value",
  "core.v1.NodeAddress": "2 address! string;1 type! string",
  "core.v1.NodeCondition":
    "3 lastHeartbeatTime time;4 lastTransitionTime time;6 message string;5 reason string;2 status! string;1 type! string",
  "core.v1.NodeConfigStatus":
    "2 active core.v1.NodeConfigSource;1 assigned core.v1.NodeConfigSource;4 error string;3 lastKnownGood core.v1.NodeConfigSource",
  "core.v1.NodeDaemonEndpoints": "1 kubeletEndpoint core.v1.DaemonEndpoint value",
  "core.v1.NodeFeatures": "1 supplementalGroupsPolicy bool",
  "core.v1.NodeRuntimeHandler": "2 features core.v1.NodeRuntimeHandlerFeatures;1 name string",
  "core.v1.NodeRuntimeHandlerFeatures": "1 recursiveReadOnlyMounts bool;2 userNamespaces bool",
  "core.v1.NodeSpec":
    "6 configSource core.v1.NodeConfigSource;2 externalID string;1 podCIDR string;7 podCIDRs []string merge set;3 providerID string;5 taints []core.v1.Taint atomic;4 unschedulable bool",
  "core.v1.NodeStatus":
    "5 addresses []core.v1.NodeAddress merge:type map;2 allocatable {}quantity;1 capacity {}quantity;4 conditions []core.v1.NodeCondition merge:type map;11 config core.v1.NodeConfigStatus;6 daemonEndpoints core.v1.NodeDaemonEndpoints value;14 declaredFeatures []string atomic;13 features core.v1.NodeFeatures;8 images []core.v1.ContainerImage atomic;7 nodeInfo core.v1.NodeSystemInfo value;3 phase string enum:Pending|Running|Terminated;12 runtimeHandlers []core.v1.NodeRuntimeHandler atomic;10 volumesAttached []core.v1.AttachedVolume atomic;9 volumesInUse []string atomic",
  "core.v1.NodeSwapStatus": "1 capacity int64",
  "core.v1.NodeSystemInfo":
    "10 architecture! string;3 bootID! string;6 containerRuntimeVersion! string;4 kernelVersion! string;8 kubeProxyVersion! string;7 kubeletVersion! string;1 machineID! string;9 operatingSystem! string;5 osImage! string;11 swap core.v1.NodeSwapStatus;2 systemUUID! string",
  "core.v1.ObjectReference":
    "atomic;5 apiVersion string;7 fieldPath string;1 kind string;3 name string;2 namespace string;6 resourceVersion string;4 uid string",
  "core.v1.Pod":
    "- apiVersion string;- kind string;1 metadata meta.v1.ObjectMeta value;2 spec core.v1.PodSpec value;3 status core.v1.PodStatus value",
  "core.v1.PodTemplate":
    "- apiVersion string;- kind string;1 metadata meta.v1.ObjectMeta value;2 template core.v1.PodTemplateSpec value",
  "core.v1.PodTemplateSpec": "1 metadata meta.v1.ObjectMeta value;2 spec core.v1.PodSpec value",
  "core.v1.PortStatus": "3 error string;1 port! int32;2 protocol! string enum:SCTP|TCP|UDP",
  "core.v1.Secret":
    "- apiVersion string;2 data {}bytes;5 immutable bool;- kind string;1 metadata meta.v1.ObjectMeta value;4 stringData {}string;3 type string",
  "core.v1.SecretReference": "atomic;1 name string;2 namespace string",
  "core.v1.Service":
    "- apiVersion string;- kind string;1 metadata meta.v1.ObjectMeta value;2 spec core.v1.ServiceSpec value;3 status core.v1.ServiceStatus value",
  "core.v1.ServiceAccount":
    "- apiVersion string;4 automountServiceAccountToken bool;3 imagePullSecrets []core.v1.LocalObjectReference atomic;- kind string;1 metadata meta.v1.ObjectMeta value;2 secrets []core.v1.ObjectReference merge:name map",
  "core.v1.ServicePort":
    "6 appProtocol string;1 name string;5 nodePort int32;3 port! int32;2 protocol string enum:SCTP|TCP|UDP;4 targetPort intorstring",
  "core.v1.ServiceSpec":
    "20 allocateLoadBalancerNodePorts bool;3 clusterIP string;18 clusterIPs []string atomic;5 externalIPs []string atomic;10 externalName string;11 externalTrafficPolicy string enum:Cluster|Local;12 healthCheckNodePort int32;22 internalTrafficPolicy string enum:Cluster|Local;19 ipFamilies []string atomic;17 ipFamilyPolicy string enum:PreferDualStack|RequireDualStack|SingleStack;21 loadBalancerClass string;8 loadBalancerIP string;9 loadBalancerSourceRanges []string atomic;1 ports []core.v1.ServicePort merge:port map:port,protocol;13 publishNotReadyAddresses bool;2 selector {}string atomic;7 sessionAffinity string enum:ClientIP|None;14 sessionAffinityConfig core.v1.SessionAffinityConfig;23 trafficDistribution string;4 type string enum:ClusterIP|ExternalName|LoadBalancer|NodePort",
  "core.v1.ServiceStatus":
    "2 conditions []meta.v1.Condition merge:type map;1 loadBalancer core.v1.LoadBalancerStatus value",
  "core.v1.SessionAffinityConfig": "1 clientIP core.v1.ClientIPConfig",
  "core.v1.Taint":
    "3 effect! string enum:NoExecute|NoSchedule|PreferNoSchedule;1 key! string;4 timeAdded time;2 value string",
  "core.v1.LimitRange":
    "- apiVersion string;- kind string;1 metadata meta.v1.ObjectMeta value;2 spec core.v1.LimitRangeSpec value",
  "core.v1.LimitRangeItem":
    "4 default {}quantity;5 defaultRequest {}quantity;2 max {}quantity;6 maxLimitRequestRatio {}quantity;3 min {}quantity;1 type! string",
  "core.v1.LimitRangeSpec": "1 limits! []core.v1.LimitRangeItem atomic",
  "core.v1.ReplicationController":
    "- apiVersion string;- kind string;1 metadata meta.v1.ObjectMeta value;2 spec core.v1.ReplicationControllerSpec value;3 status core.v1.ReplicationControllerStatus value",
  "core.v1.ReplicationControllerCondition":
    "3 lastTransitionTime time;5 message string;4 reason string;2 status! string;1 type! string",
  "core.v1.ReplicationControllerSpec":
    "4 minReadySeconds int32;1 replicas int32;2 selector {}string atomic;3 template core.v1.PodTemplateSpec",
  "core.v1.ReplicationControllerStatus":
    "5 availableReplicas int32;6 conditions []core.v1.ReplicationControllerCondition merge:type map;2 fullyLabeledReplicas int32;3 observedGeneration int64;4 readyReplicas int32;1 replicas! int32",
  "core.v1.ResourceQuota":
    "- apiVersion string;- kind string;1 metadata meta.v1.ObjectMeta value;2 spec core.v1.ResourceQuotaSpec value;3 status core.v1.ResourceQuotaStatus value",
  "core.v1.ResourceQuotaSpec": "1 hard {}quantity;3 scopeSelector core.v1.ScopeSelector;2 scopes []string atomic",
  "core.v1.ResourceQuotaStatus": "1 hard {}quantity;2 used {}quantity",
  "core.v1.ScopeSelector": "atomic;1 matchExpressions []core.v1.ScopedResourceSelectorRequirement atomic",
  "core.v1.ScopedResourceSelectorRequirement":
    "2 operator! string enum:DoesNotExist|Exists|In|NotIn;1 scopeName! string enum:BestEffort|CrossNamespacePodAffinity|NotBestEffort|NotTerminating|PriorityClass|Terminating|VolumeAttributesClass;3 values []string atomic",
};
