import type {
  ContainerConfig,
  HostNamespaces,
  LinuxResources,
  ProcessUser,
  SandboxConfig,
  SecurityProfile,
  SeLinuxLabel,
  UserRange,
} from "../ports.ts";
import * as cri from "./generated/cri.ts";

/** Parts of /proc and /sys that an unprivileged container must not see (the kubelet's default procMount). */
const MASKED_PATHS: readonly string[] = [
  "/proc/asound",
  "/proc/acpi",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/sys/firmware",
];
const READ_ONLY_PATHS: readonly string[] = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/** The sandbox's configuration as CRI takes it. */
export function toSandboxConfig(config: SandboxConfig): cri.PodSandboxConfig {
  return {
    metadata: { name: config.name, namespace: config.namespace, uid: config.uid, attempt: config.attempt },
    hostname: config.hostname,
    logDirectory: config.logDirectory,
    ...(config.dns
      ? {
          dnsConfig: {
            servers: [...config.dns.servers],
            searches: [...config.dns.searches],
            options: [...config.dns.options],
          },
        }
      : {}),
    portMappings: config.portMappings.map((mapping) => ({
      ...mapping,
      protocol: cri.Protocol[mapping.protocol],
    })),
    labels: { ...config.labels },
    annotations: { ...config.annotations },
    linux: {
      securityContext: {
        namespaceOptions: { ...namespaceOptions(config.hostNamespaces, false), ...userNamespace(config.userRange) },
        privileged: config.privileged,
        seccomp: securityProfile(config.seccomp),
        ...seLinuxOptions(config.seLinux),
        ...userOptions(config.user),
      },
      sysctls: { ...config.sysctls },
      cgroupParent: config.controlGroup ?? "",
    },
  };
}

/** The container's configuration as CRI takes it. */
export function toContainerConfig(config: ContainerConfig): cri.ContainerConfig {
  const unmasked = config.privileged || config.unmaskedProc;
  const mapped = config.userRange && idMappings(config.userRange);
  return {
    metadata: { name: config.name, attempt: config.attempt },
    image: { image: config.imageId, annotations: {} },
    command: [...config.command],
    args: [...config.args],
    workingDir: config.workingDirectory,
    envs: config.environment.map(({ name, value }) => ({ key: name, value })),
    mounts: config.mounts.map((mount) => ({
      containerPath: mount.containerPath,
      hostPath: mount.hostPath,
      readonly: mount.readOnly,
      selinuxRelabel: mount.relabel,
      ...(mount.recursiveReadOnly ? { recursiveReadOnly: true } : {}),
      ...(mapped ? { uidMappings: mapped, gidMappings: mapped } : {}),
      propagation: {
        private: cri.MountPropagation.PROPAGATION_PRIVATE,
        "host-to-container": cri.MountPropagation.PROPAGATION_HOST_TO_CONTAINER,
        bidirectional: cri.MountPropagation.PROPAGATION_BIDIRECTIONAL,
      }[mount.propagation],
    })),
    devices: config.devices.map((device) => ({ ...device })),
    CDIDevices: config.cdiDevices.map((name) => ({ name })),
    labels: { ...config.labels },
    annotations: { ...config.annotations },
    logPath: config.logPath,
    stdin: config.stdin,
    stdinOnce: config.stdinOnce,
    tty: config.tty,
    linux: {
      resources: toLinuxResources(config.resources),
      securityContext: {
        capabilities: { addCapabilities: [...config.addCapabilities], dropCapabilities: [...config.dropCapabilities] },
        privileged: config.privileged,
        namespaceOptions: {
          ...namespaceOptions(config.hostNamespaces, !config.shareProcessNamespace),
          ...userNamespace(config.userRange),
          ...(config.processNamespaceOf === undefined
            ? {}
            : { pid: cri.NamespaceMode.TARGET, targetId: config.processNamespaceOf }),
        },
        readonlyRootfs: config.readOnlyRootFilesystem,
        noNewPrivs: config.noNewPrivileges,
        maskedPaths: unmasked ? [] : [...MASKED_PATHS],
        readonlyPaths: unmasked ? [] : [...READ_ONLY_PATHS],
        seccomp: securityProfile(config.seccomp),
        ...(config.appArmor ? { apparmor: securityProfile(config.appArmor) } : {}),
        ...seLinuxOptions(config.seLinux),
        ...userOptions(config.user),
      },
    },
  };
}

/** Limits as CRI takes them. */
export function toLinuxResources(resources: LinuxResources): cri.LinuxContainerResources {
  return {
    cpuPeriod: BigInt(resources.cpuPeriodUs),
    cpuQuota: BigInt(resources.cpuQuotaUs),
    cpuShares: BigInt(resources.cpuShares),
    memoryLimitInBytes: BigInt(resources.memoryLimitBytes),
    oomScoreAdj: BigInt(resources.oomScoreAdjustment),
    hugepageLimits: resources.hugePages.map(({ pageSize, limitBytes }) => ({ pageSize, limit: BigInt(limitBytes) })),
  };
}

function namespaceOptions(host: HostNamespaces, ownProcesses: boolean): cri.NamespaceOption {
  const { NODE, POD, CONTAINER } = cri.NamespaceMode;
  return {
    network: host.network ? NODE : POD,
    pid: host.pid ? NODE : ownProcesses ? CONTAINER : POD,
    ipc: host.ipc ? NODE : POD,
  };
}

function userNamespace(range: UserRange | undefined): { usernsOptions?: cri.UserNamespace } {
  if (!range) return {};
  return { usernsOptions: { mode: cri.NamespaceMode.POD, uids: idMappings(range), gids: idMappings(range) } };
}

function idMappings({ firstHostId, length }: UserRange): cri.IDMapping[] {
  return [{ hostId: firstHostId, containerId: 0, length }];
}

function userOptions(user: ProcessUser): {
  runAsUser?: cri.Int64Value;
  runAsGroup?: cri.Int64Value;
  supplementalGroups: bigint[];
  supplementalGroupsPolicy?: cri.SupplementalGroupsPolicy;
} {
  return {
    ...(user.userId === undefined ? {} : { runAsUser: { value: BigInt(user.userId) } }),
    ...(user.groupId === undefined ? {} : { runAsGroup: { value: BigInt(user.groupId) } }),
    supplementalGroups: user.supplementalGroups.map(BigInt),
    ...(user.onlyTheseGroups ? { supplementalGroupsPolicy: cri.SupplementalGroupsPolicy.Strict } : {}),
  };
}

function seLinuxOptions(label: SeLinuxLabel | undefined): { selinuxOptions?: cri.SELinuxOption } {
  return label ? { selinuxOptions: { ...label } } : {};
}

function securityProfile(profile: SecurityProfile): cri.SecurityProfile {
  const types = cri.SecurityProfile_ProfileType;
  switch (profile.kind) {
    case "unconfined":
      return { profileType: types.Unconfined };
    case "runtime-default":
      return { profileType: types.RuntimeDefault };
    case "localhost":
      return { profileType: types.Localhost, localhostRef: profile.reference };
  }
}
