/**
 * Fields of KubeEdge's `tailoredKubeletConfig` that are read without a word and have no effect: what they tune does not
 * exist in Edged, or is the container runtime's business.
 */
export const KUBELET_FIELDS_WITHOUT_EFFECT: readonly string[] =
  `address allowedUnsafeSysctls cgroupDriver cgroupRoot cgroupsPerQOS configMapAndSecretChangeDetectionStrategy
  containerLogMaxWorkers containerLogMonitorInterval contentType cpuCFSQuota cpuCFSQuotaPeriod
  cpuManagerPolicyOptions cpuManagerReconcilePeriod crashLoopBackOff enableContentionProfiling
  enableControllerAttachDetach enableDebugFlagsHandler enableDebuggingHandlers enableProfilingHandler
  enableSystemLogHandler enableSystemLogQuery eventBurst eventRecordQPS failCgroupV1 failSwapOn
  featureGates hairpinMode imageServiceEndpoint iptablesDropBit iptablesMasqueradeBit kernelMemcgNotification
  kubeReservedCgroup kubeletCgroups localStorageCapacityIsolation logging makeIPTablesUtilChains maxOpenFiles
  memorySwap memoryThrottlingFactor oomScoreAdj podCIDR
  podsPerCore protectKernelDefaults qosReserved registryBurst registryPullQPS reservedMemory
  reservedSystemCPUs runtimeRequestTimeout showHiddenMetricsForVersion
  singleProcessOOMKill streamingConnectionIdleTimeout syncFrequency systemCgroups systemReservedCgroup
  topologyManagerPolicyOptions topologyManagerScope volumePluginDir volumeStatsAggPeriod`.split(/\s+/);

/** Fields of `modules.edged`, v1alpha2 and v1alpha1, of the same kind. */
export const V1ALPHA1_FIELDS_WITHOUT_EFFECT: readonly string[] =
  `annotations cgroupDriver cgroupRoot cgroupsPerQOS cniBinDir cniCacheDirs cniConfDir concurrentConsumers
  customInterfaceName devicePluginEnabled dockerAddress edgeCoreCgroups edgedMemoryCapacity enableMetrics
  experimentalMounterPath experimentalNodeAllocatableIgnoreEvictionThreshold gpuPluginEnabled imageGCHighThreshold
  imageGCLowThreshold imagePullProgressDeadline maxContainerCount maxPerPodContainerCount
  maximumDeadContainersPerPod minimumGCAge networkPluginMTU networkPluginName podStatusSyncInterval
  registerNodeNamespace remoteImageEndpoint runtimeCgroups runtimeRequestTimeout runtimeType
  systemCgroups volumeStatsAggPeriod windowsPriorityClass windowsService`.split(/\s+/);
