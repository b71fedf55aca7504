import type { TypeTable } from "../type-table.ts";

/** PodSpec, PodStatus and what they hold. Read as type-table.ts tells. */
export const podTypes: TypeTable = {
  "core.v1.Affinity":
    "1 nodeAffinity core.v1.NodeAffinity;2 podAffinity core.v1.PodAffinity;3 podAntiAffinity core.v1.PodAntiAffinity",
  "core.v1.AppArmorProfile": "2 localhostProfile string;1 type! string enum:Localhost|RuntimeDefault|Unconfined",
  "core.v1.Capabilities": "1 add []string atomic;2 drop []string atomic",
  "core.v1.ConfigMapKeySelector": "atomic;2 key! string;1.1 name string;3 optional bool",
  "core.v1.Container":
    "4 args []string atomic;3 command []string atomic;7 env []core.v1.EnvVar merge:name map;19 envFrom []core.v1.EnvFromSource atomic;2 image string;14 imagePullPolicy string enum:Always|IfNotPresent|Never;12 lifecycle core.v1.Lifecycle;10 livenessProbe core.v1.Probe;1 name! string;6 ports []core.v1.ContainerPort merge:containerPort map:containerPort,protocol;11 readinessProbe core.v1.Probe;23 resizePolicy []core.v1.ContainerResizePolicy atomic;8 resources core.v1.ResourceRequirements value;24 restartPolicy string;25 restartPolicyRules []core.v1.ContainerRestartRule atomic;15 securityContext core.v1.SecurityContext;22 startupProbe core.v1.Probe;16 stdin bool;17 stdinOnce bool;13 terminationMessagePath string;20 terminationMessagePolicy string enum:FallbackToLogsOnError|File;18 tty bool;21 volumeDevices []core.v1.VolumeDevice merge:devicePath map;9 volumeMounts []core.v1.VolumeMount merge:mountPath map;5 workingDir string",
  "core.v1.ContainerExtendedResourceRequest": "1 containerName! string;3 requestName! string;2 resourceName! string",
  "core.v1.ContainerPort":
    "3 containerPort! int32;5 hostIP string;2 hostPort int32;1 name string;4 protocol string enum:SCTP|TCP|UDP",
  "core.v1.ContainerResizePolicy": "1 resourceName! string;2 restartPolicy! string",
  "core.v1.ContainerRestartRule": "1 action! string;2 exitCodes core.v1.ContainerRestartRuleOnExitCodes",
  "core.v1.ContainerRestartRuleOnExitCodes": "1 operator! string;2 values []int32 set",
  "core.v1.ContainerState":
    "2 running core.v1.ContainerStateRunning;3 terminated core.v1.ContainerStateTerminated;1 waiting core.v1.ContainerStateWaiting",
  "core.v1.ContainerStateRunning": "1 startedAt time",
  "core.v1.ContainerStateTerminated":
    "7 containerID string;1 exitCode! int32;6 finishedAt time;4 message string;3 reason string;2 signal int32;5 startedAt time",
  "core.v1.ContainerStateWaiting": "2 message string;1 reason string",
  "core.v1.ContainerStatus":
    "10 allocatedResources {}quantity;14 allocatedResourcesStatus []core.v1.ResourceStatus merge:name map;8 containerID string;6 image! string;7 imageID! string;3 lastState core.v1.ContainerState value;1 name! string;4 ready! bool;11 resources core.v1.ResourceRequirements;5 restartCount! int32;9 started bool;2 state core.v1.ContainerState value;15 stopSignal string enum:SIGABRT|SIGALRM|SIGBUS|SIGCHLD|SIGCLD|SIGCONT|SIGFPE|SIGHUP|SIGILL|SIGINT|SIGIO|SIGIOT|SIGKILL|SIGPIPE|SIGPOLL|SIGPROF|SIGPWR|SIGQUIT|SIGRTMAX|SIGRTMAX-1|SIGRTMAX-10|SIGRTMAX-11|SIGRTMAX-12|SIGRTMAX-13|SIGRTMAX-14|SIGRTMAX-2|SIGRTMAX-3|SIGRTMAX-4|SIGRTMAX-5|SIGRTMAX-6|SIGRTMAX-7|SIGRTMAX-8|SIGRTMAX-9|SIGRTMIN|SIGRTMIN+1|SIGRTMIN+10|SIGRTMIN+11|SIGRTMIN+12|SIGRTMIN+13|SIGRTMIN+14|SIGRTMIN+15|SIGRTMIN+2|SIGRTMIN+3|SIGRTMIN+4|SIGRTMIN+5|SIGRTMIN+6|SIGRTMIN+7|SIGRTMIN+8|SIGRTMIN+9|SIGSEGV|SIGSTKFLT|SIGSTOP|SIGSYS|SIGTERM|SIGTRAP|SIGTSTP|SIGTTIN|SIGTTOU|SIGURG|SIGUSR1|SIGUSR2|SIGVTALRM|SIGWINCH|SIGXCPU|SIGXFSZ;13 user core.v1.ContainerUser;12 volumeMounts []core.v1.VolumeMountStatus merge:mountPath map",
  "core.v1.ContainerUser": "1 linux core.v1.LinuxContainerUser",
  "core.v1.EnvFromSource":
    "2 configMapRef core.v1.ConfigMapEnvSource;1 prefix string;3 secretRef core.v1.SecretEnvSource",
  "core.v1.EnvVar": "1 name! string;2 value string;3 valueFrom core.v1.EnvVarSource",
  "core.v1.EnvVarSource":
    "3 configMapKeyRef core.v1.ConfigMapKeySelector;1 fieldRef core.v1.ObjectFieldSelector;5 fileKeyRef core.v1.FileKeySelector;2 resourceFieldRef core.v1.ResourceFieldSelector;4 secretKeyRef core.v1.SecretKeySelector",
  "core.v1.EphemeralContainer":
    "1.4 args []string atomic;1.3 command []string atomic;1.7 env []core.v1.EnvVar merge:name map;1.19 envFrom []core.v1.EnvFromSource atomic;1.2 image string;1.14 imagePullPolicy string enum:Always|IfNotPresent|Never;1.12 lifecycle core.v1.Lifecycle;1.10 livenessProbe core.v1.Probe;1.1 name! string;1.6 ports []core.v1.ContainerPort merge:containerPort map:containerPort,protocol;1.11 readinessProbe core.v1.Probe;1.23 resizePolicy []core.v1.ContainerResizePolicy atomic;1.8 resources core.v1.ResourceRequirements value;1.24 restartPolicy string;1.25 restartPolicyRules []core.v1.ContainerRestartRule atomic;1.15 securityContext core.v1.SecurityContext;1.22 startupProbe core.v1.Probe;1.16 stdin bool;1.17 stdinOnce bool;2 targetContainerName string;1.13 terminationMessagePath string;1.20 terminationMessagePolicy string enum:FallbackToLogsOnError|File;1.18 tty bool;1.21 volumeDevices []core.v1.VolumeDevice merge:devicePath map;1.9 volumeMounts []core.v1.VolumeMount merge:mountPath map;1.5 workingDir string",
  "core.v1.ExecAction": "1 command []string atomic",
  "core.v1.FileKeySelector": "atomic;3 key! string;4 optional bool;2 path! string;1 volumeName! string",
  "core.v1.GRPCAction": "1 port! int32;2 service string",
  "core.v1.HTTPGetAction":
    "3 host string;5 httpHeaders []core.v1.HTTPHeader atomic;1 path string;2 port! intorstring;4 scheme string enum:HTTP|HTTPS",
  "core.v1.HTTPHeader": "1 name! string;2 value! string",
  "core.v1.HostAlias": "2 hostnames []string atomic;1 ip! string",
  "core.v1.HostIP": "1 ip! string",
  "core.v1.Lifecycle":
    "1 postStart core.v1.LifecycleHandler;2 preStop core.v1.LifecycleHandler;3 stopSignal string enum:SIGABRT|SIGALRM|SIGBUS|SIGCHLD|SIGCLD|SIGCONT|SIGFPE|SIGHUP|SIGILL|SIGINT|SIGIO|SIGIOT|SIGKILL|SIGPIPE|SIGPOLL|SIGPROF|SIGPWR|SIGQUIT|SIGRTMAX|SIGRTMAX-1|SIGRTMAX-10|SIGRTMAX-11|SIGRTMAX-12|SIGRTMAX-13|SIGRTMAX-14|SIGRTMAX-2|SIGRTMAX-3|SIGRTMAX-4|SIGRTMAX-5|SIGRTMAX-6|SIGRTMAX-7|SIGRTMAX-8|SIGRTMAX-9|SIGRTMIN|SIGRTMIN+1|SIGRTMIN+10|SIGRTMIN+11|SIGRTMIN+12|SIGRTMIN+13|SIGRTMIN+14|SIGRTMIN+15|SIGRTMIN+2|SIGRTMIN+3|SIGRTMIN+4|SIGRTMIN+5|SIGRTMIN+6|SIGRTMIN+7|SIGRTMIN+8|SIGRTMIN+9|SIGSEGV|SIGSTKFLT|SIGSTOP|SIGSYS|SIGTERM|SIGTRAP|SIGTSTP|SIGTTIN|SIGTTOU|SIGURG|SIGUSR1|SIGUSR2|SIGVTALRM|SIGWINCH|SIGXCPU|SIGXFSZ",
  "core.v1.LifecycleHandler":
    "1 exec core.v1.ExecAction;2 httpGet core.v1.HTTPGetAction;4 sleep core.v1.SleepAction;3 tcpSocket core.v1.TCPSocketAction",
  "core.v1.LinuxContainerUser": "2 gid! int64;3 supplementalGroups []int64 atomic;1 uid! int64",
  "core.v1.LocalObjectReference": "atomic;1 name string",
  "core.v1.NodeAffinity":
    "2 preferredDuringSchedulingIgnoredDuringExecution []core.v1.PreferredSchedulingTerm atomic;1 requiredDuringSchedulingIgnoredDuringExecution core.v1.NodeSelector",
  "core.v1.NodeAllocatableResourceClaimStatus":
    "2 containers []string set;1 resourceClaimName! string;- resources! {}quantity",
  "core.v1.ObjectFieldSelector": "atomic;1 apiVersion string;2 fieldPath! string",
  "core.v1.PodAffinity":
    "2 preferredDuringSchedulingIgnoredDuringExecution []core.v1.WeightedPodAffinityTerm atomic;1 requiredDuringSchedulingIgnoredDuringExecution []core.v1.PodAffinityTerm atomic",
  "core.v1.PodAffinityTerm":
    "1 labelSelector meta.v1.LabelSelector;5 matchLabelKeys []string atomic;6 mismatchLabelKeys []string atomic;4 namespaceSelector meta.v1.LabelSelector;2 namespaces []string atomic;3 topologyKey! string",
  "core.v1.PodAntiAffinity":
    "2 preferredDuringSchedulingIgnoredDuringExecution []core.v1.WeightedPodAffinityTerm atomic;1 requiredDuringSchedulingIgnoredDuringExecution []core.v1.PodAffinityTerm atomic",
  "core.v1.PodCondition":
    "3 lastProbeTime time null;4 lastTransitionTime time;6 message string;7 observedGeneration int64;5 reason string;2 status! string;1 type! string",
  "core.v1.PodDNSConfig":
    "1 nameservers []string atomic;3 options []core.v1.PodDNSConfigOption atomic;2 searches []string atomic",
  "core.v1.PodDNSConfigOption": "1 name string;2 value string",
  "core.v1.PodExtendedResourceClaimStatus":
    "1 requestMappings! []core.v1.ContainerExtendedResourceRequest atomic;2 resourceClaimName! string",
  "core.v1.PodIP": "1 ip! string",
  "core.v1.PodOS": "1 name! string",
  "core.v1.PodReadinessGate": "1 conditionType! string",
  "core.v1.PodResourceClaim": "1 name! string;3 resourceClaimName string;4 resourceClaimTemplateName string",
  "core.v1.PodResourceClaimStatus": "1 name! string;2 resourceClaimName string",
  "core.v1.PodSchedulingGate": "1 name! string",
  "core.v1.PodSchedulingGroup": "1 podGroupName string",
  "core.v1.PodSecurityContext":
    "11 appArmorProfile core.v1.AppArmorProfile;5 fsGroup int64;9 fsGroupChangePolicy string enum:Always|OnRootMismatch;6 runAsGroup int64;3 runAsNonRoot bool;2 runAsUser int64;13 seLinuxChangePolicy string;1 seLinuxOptions core.v1.SELinuxOptions;10 seccompProfile core.v1.SeccompProfile;4 supplementalGroups []int64 atomic;12 supplementalGroupsPolicy string enum:Merge|Strict;7 sysctls []core.v1.Sysctl atomic;8 windowsOptions core.v1.WindowsSecurityContextOptions",
  "core.v1.PodSpec":
    "5 activeDeadlineSeconds int64;18 affinity core.v1.Affinity;21 automountServiceAccountToken bool;2 containers! []core.v1.Container merge:name map;26 dnsConfig core.v1.PodDNSConfig;6 dnsPolicy string enum:ClusterFirst|ClusterFirstWithHostNet|Default|None;30 enableServiceLinks bool;34 ephemeralContainers []core.v1.EphemeralContainer merge:name map;23 hostAliases []core.v1.HostAlias merge:ip map;13 hostIPC bool;11 hostNetwork bool;12 hostPID bool;37 hostUsers bool;16 hostname string;41 hostnameOverride string;15 imagePullSecrets []core.v1.LocalObjectReference merge:name map;20 initContainers []core.v1.Container merge:name map;10 nodeName string;7 nodeSelector {}string atomic;36 os core.v1.PodOS;32 overhead {}quantity;31 preemptionPolicy string enum:Never|PreemptLowerPriority;25 priority int32;24 priorityClassName string;28 readinessGates []core.v1.PodReadinessGate atomic;39 resourceClaims []core.v1.PodResourceClaim retainKeys merge:name map;40 resources core.v1.ResourceRequirements;3 restartPolicy string enum:Always|Never|OnFailure;29 runtimeClassName string;19 schedulerName string;38 schedulingGates []core.v1.PodSchedulingGate merge:name map;43 schedulingGroup core.v1.PodSchedulingGroup;14 securityContext core.v1.PodSecurityContext;9 serviceAccount string;8 serviceAccountName string;35 setHostnameAsFQDN bool;27 shareProcessNamespace bool;17 subdomain string;4 terminationGracePeriodSeconds int64;22 tolerations []core.v1.Toleration atomic;33 topologySpreadConstraints []core.v1.TopologySpreadConstraint merge:topologyKey map:topologyKey,whenUnsatisfiable;1 volumes []core.v1.Volume retainKeys merge:name map",
  "core.v1.PodStatus":
    "19 allocatedResources {}quantity;2 conditions []core.v1.PodCondition merge:type map;8 containerStatuses []core.v1.ContainerStatus atomic;13 ephemeralContainerStatuses []core.v1.ContainerStatus atomic;18 extendedResourceClaimStatus core.v1.PodExtendedResourceClaimStatus;5 hostIP string;16 hostIPs []core.v1.HostIP merge:ip atomic;10 initContainerStatuses []core.v1.ContainerStatus atomic;3 message string;21 nodeAllocatableResourceClaimStatuses []core.v1.NodeAllocatableResourceClaimStatus atomic;11 nominatedNodeName string;17 observedGeneration int64;1 phase string enum:Failed|Pending|Running|Succeeded|Unknown;6 podIP string;12 podIPs []core.v1.PodIP merge:ip map;9 qosClass string enum:BestEffort|Burstable|Guaranteed;4 reason string;14 resize string;15 resourceClaimStatuses []core.v1.PodResourceClaimStatus retainKeys merge:name map;20 resources core.v1.ResourceRequirements;7 startTime time",
  "core.v1.PreferredSchedulingTerm": "2 preference! core.v1.NodeSelectorTerm value;1 weight! int32",
  "core.v1.Probe":
    "1.1 exec core.v1.ExecAction;6 failureThreshold int32;1.4 grpc core.v1.GRPCAction;1.2 httpGet core.v1.HTTPGetAction;2 initialDelaySeconds int32;4 periodSeconds int32;5 successThreshold int32;1.3 tcpSocket core.v1.TCPSocketAction;7 terminationGracePeriodSeconds int64;3 timeoutSeconds int32",
  "core.v1.ResourceClaim": "1 name! string;2 request string",
  "core.v1.ResourceFieldSelector": "atomic;1 containerName string;3 divisor quantity;2 resource! string",
  "core.v1.ResourceHealth": "2 health string;6 message string;1 resourceID! string",
  "core.v1.ResourceRequirements": "3 claims []core.v1.ResourceClaim map:name;1 limits {}quantity;2 requests {}quantity",
  "core.v1.ResourceStatus": "1 name! string;2 resources []core.v1.ResourceHealth map:resourceID",
  "core.v1.SELinuxOptions": "4 level string;2 role string;3 type string;1 user string",
  "core.v1.SeccompProfile": "2 localhostProfile string;1 type! string enum:Localhost|RuntimeDefault|Unconfined",
  "core.v1.SecretKeySelector": "atomic;2 key! string;1.1 name string;3 optional bool",
  "core.v1.SecurityContext":
    "7 allowPrivilegeEscalation bool;12 appArmorProfile core.v1.AppArmorProfile;1 capabilities core.v1.Capabilities;2 privileged bool;9 procMount string enum:Default|Unmasked;6 readOnlyRootFilesystem bool;8 runAsGroup int64;5 runAsNonRoot bool;4 runAsUser int64;3 seLinuxOptions core.v1.SELinuxOptions;11 seccompProfile core.v1.SeccompProfile;10 windowsOptions core.v1.WindowsSecurityContextOptions",
  "core.v1.SleepAction": "1 seconds! int64",
  "core.v1.Sysctl": "1 name! string;2 value! string",
  "core.v1.TCPSocketAction": "2 host string;1 port! intorstring",
  "core.v1.Toleration":
    "4 effect string enum:NoExecute|NoSchedule|PreferNoSchedule;1 key string;2 operator string enum:Equal|Exists|Gt|Lt;5 tolerationSeconds int64;3 value string",
  "core.v1.TopologySpreadConstraint":
    "4 labelSelector meta.v1.LabelSelector;8 matchLabelKeys []string atomic;1 maxSkew! int32;5 minDomains int32;6 nodeAffinityPolicy string enum:Honor|Ignore;7 nodeTaintsPolicy string enum:Honor|Ignore;2 topologyKey! string;3 whenUnsatisfiable! string enum:DoNotSchedule|ScheduleAnyway",
  "core.v1.TypedLocalObjectReference": "atomic;1 apiGroup string;2 kind! string;3 name! string",
  "core.v1.TypedObjectReference": "1 apiGroup string;2 kind! string;3 name! string;4 namespace string",
  "core.v1.WeightedPodAffinityTerm": "2 podAffinityTerm! core.v1.PodAffinityTerm value;1 weight! int32",
  "core.v1.WindowsSecurityContextOptions":
    "2 gmsaCredentialSpec string;1 gmsaCredentialSpecName string;4 hostProcess bool;3 runAsUserName string",
};
