import type { ContainerConfig, HostNamespaces, ProcessUser, SandboxConfig, SeccompProfile } from "../ports.ts";
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
      protocol: cri.Protocol[mapping.protocol],
      containerPort: mapping.containerPort,
      hostPort: mapping.hostPort,
      hostIp: mapping.hostIp,
    })),
    labels: { ...config.labels },
    annotations: { ...config.annotations },
    linux: {
      securityContext: {
        namespaceOptions: namespaceOptions(config.hostNamespaces, false),
        privileged: config.privileged,
        seccomp: seccompProfile(config.seccomp),
        ...userOptions(config.user),
      },
      sysctls: { ...config.sysctls },
    },
  };
}

/** The container's configuration as CRI takes it. */
export function toContainerConfig(config: ContainerConfig): cri.ContainerConfig {
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
      propagation: {
        private: cri.MountPropagation.PROPAGATION_PRIVATE,
        "host-to-container": cri.MountPropagation.PROPAGATION_HOST_TO_CONTAINER,
        bidirectional: cri.MountPropagation.PROPAGATION_BIDIRECTIONAL,
      }[mount.propagation],
    })),
    labels: { ...config.labels },
    annotations: { ...config.annotations },
    logPath: config.logPath,
    stdin: config.stdin,
    stdinOnce: config.stdinOnce,
    tty: config.tty,
    linux: {
      resources: {
        cpuPeriod: BigInt(config.resources.cpuPeriodUs),
        cpuQuota: BigInt(config.resources.cpuQuotaUs),
        cpuShares: BigInt(config.resources.cpuShares),
        memoryLimitInBytes: BigInt(config.resources.memoryLimitBytes),
        oomScoreAdj: BigInt(config.resources.oomScoreAdjustment),
      },
      securityContext: {
        capabilities: { addCapabilities: [...config.addCapabilities], dropCapabilities: [...config.dropCapabilities] },
        privileged: config.privileged,
        namespaceOptions: {
          ...namespaceOptions(config.hostNamespaces, !config.shareProcessNamespace),
          ...(config.processNamespaceOf === undefined
            ? {}
            : { pid: cri.NamespaceMode.TARGET, targetId: config.processNamespaceOf }),
        },
        readonlyRootfs: config.readOnlyRootFilesystem,
        noNewPrivs: config.noNewPrivileges,
        maskedPaths: config.privileged ? [] : [...MASKED_PATHS],
        readonlyPaths: config.privileged ? [] : [...READ_ONLY_PATHS],
        seccomp: seccompProfile(config.seccomp),
        ...userOptions(config.user),
      },
    },
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

function userOptions(user: ProcessUser): {
  runAsUser?: cri.Int64Value;
  runAsGroup?: cri.Int64Value;
  supplementalGroups: bigint[];
} {
  return {
    ...(user.userId === undefined ? {} : { runAsUser: { value: BigInt(user.userId) } }),
    ...(user.groupId === undefined ? {} : { runAsGroup: { value: BigInt(user.groupId) } }),
    supplementalGroups: user.supplementalGroups.map(BigInt),
  };
}

function seccompProfile(profile: SeccompProfile): cri.SecurityProfile {
  const types = cri.SecurityProfile_ProfileType;
  switch (profile.kind) {
    case "unconfined":
      return { profileType: types.Unconfined };
    case "runtime-default":
      return { profileType: types.RuntimeDefault };
    case "localhost":
      return { profileType: types.Localhost, localhostRef: profile.path };
  }
}
