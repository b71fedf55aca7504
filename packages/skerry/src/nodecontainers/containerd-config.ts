import type { ContainerAbility } from "../systemparts/container-ability.ts";
import type { SystemParts } from "../systemparts/system-parts.ts";

/** What one edge node's own containerd needs to know. */
export interface ContainerdSettings {
  /** Images and snapshots. */
  readonly dataFolder: string;
  /** Running containers: bundles, network namespaces. */
  readonly stateFolder: string;
  readonly socketPath: string;
  readonly cniConfigurationFolder: string;
  readonly pauseImage: string;
}

/** containerd's configuration file, as TOML version 2, which containerd 1.5 and newer read (2.x converts it). */
export function containerdConfig(settings: ContainerdSettings, parts: SystemParts, ability: ContainerAbility): string {
  const text = JSON.stringify; // A JSON string is a TOML basic string.
  const cri = `plugins."io.containerd.grpc.v1.cri"`;
  return `# Written by Skerry at every start.
version = 2
root = ${text(settings.dataFolder)}
state = ${text(settings.stateFolder)}
# "opt" would make /opt/containerd on the machine.
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", "io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing"]

[grpc]
address = ${text(settings.socketPath)}

[${cri}]
sandbox_image = ${text(settings.pauseImage)}
restrict_oom_score_adj = ${!ability.mayLowerOomScore}
netns_mounts_under_state_dir = true
tolerate_missing_hugetlb_controller = true
disable_hugetlb_controller = true
enable_selinux = false

[${cri}.containerd]
snapshotter = ${text(ability.snapshotter)}
default_runtime_name = "runc"

[${cri}.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[${cri}.containerd.runtimes.runc.options]
Root = ${text(`${settings.stateFolder}/runc`)}
BinaryName = ${text(parts.runc)}

[${cri}.cni]
bin_dir = ${text(parts.cniFolder)}
conf_dir = ${text(settings.cniConfigurationFolder)}
max_conf_num = 1
`;
}
