import type { Container, Pod, Volume, VolumeMount } from "@skerry/api";
import { invalidPod } from "../errors.ts";
import type { ContainerMount, FileSystem } from "../ports.ts";
import { resolveSubPath } from "../volumes/sub-path.ts";
import { expandReferences } from "./expansion.ts";

const HOSTS_PATH = "/etc/hosts";
const RESOLV_CONF_PATH = "/etc/resolv.conf";

/** What a container's mounts depend on beside its volumes. */
export interface MountSettings {
  /** Files that every container gets. */
  readonly hostsFile: string;
  /** Left out: the runtime writes the pod's /etc/resolv.conf. */
  readonly nameFile?: string | undefined;
  readonly terminationLog: string;
  /** Of the runtime. */
  readonly recursiveReadOnlyMounts: boolean;
}

/**
 * A container's mounts.
 * @throws `EDGED_INVALID_POD`, `EDGED_PATH_ESCAPES`
 */
export async function containerMounts(
  pod: Pod,
  container: Container,
  volumePaths: ReadonlyMap<string, string>,
  variables: ReadonlyMap<string, string>,
  settings: MountSettings,
  files: FileSystem,
): Promise<ContainerMount[]> {
  const mounts: ContainerMount[] = [];
  for (const mount of container.volumeMounts ?? []) {
    const volumePath = volumePaths.get(mount.name);
    if (volumePath === undefined)
      throw invalidPod(`container ${container.name}: volumeMounts`, `there is no volume "${mount.name}"`);
    const subPath = mount.subPath ?? (mount.subPathExpr ? expandReferences(mount.subPathExpr, variables) : "");
    const readOnly = mount.readOnly === true || isReadOnly(pod, mount.name);
    mounts.push({
      containerPath: mount.mountPath.startsWith("/") ? mount.mountPath : `/${mount.mountPath}`,
      hostPath: subPath === "" ? volumePath : await resolveSubPath(files, volumePath, subPath),
      readOnly,
      recursiveReadOnly: settings.recursiveReadOnlyMounts && isRecursivelyReadOnly(mount),
      propagation: propagationOf(mount),
      relabel: !isOfHost(pod, mount.name),
    });
  }
  const hasOwn = (path: string): boolean => mounts.some(({ containerPath }) => containerPath === path);
  if (!hasOwn(HOSTS_PATH)) mounts.push(ownFile(HOSTS_PATH, settings.hostsFile));
  if (settings.nameFile !== undefined && !hasOwn(RESOLV_CONF_PATH))
    mounts.push(ownFile(RESOLV_CONF_PATH, settings.nameFile));
  const terminationPath = container.terminationMessagePath ?? "/dev/termination-log";
  mounts.push(ownFile(terminationPath, settings.terminationLog));
  return mounts;
}

/** Whether what is mounted below the mount is to be read-only too, where the runtime can. */
export function isRecursivelyReadOnly({ readOnly, recursiveReadOnly = "Disabled" }: VolumeMount): boolean {
  return readOnly === true && recursiveReadOnly !== "Disabled";
}

function ownFile(containerPath: string, hostPath: string): ContainerMount {
  return {
    containerPath,
    hostPath,
    readOnly: false,
    recursiveReadOnly: false,
    propagation: "private",
    relabel: true,
  };
}

/** Volumes that show API data are read-only whatever the mount says. */
function isReadOnly(pod: Pod, volumeName: string): boolean {
  const volume = volumeOf(pod, volumeName);
  return Boolean(
    volume?.configMap ||
      volume?.secret ||
      volume?.downwardAPI ||
      volume?.projected ||
      volume?.persistentVolumeClaim?.readOnly,
  );
}

/** What the machine has for itself keeps its SELinux label. */
function isOfHost(pod: Pod, volumeName: string): boolean {
  return volumeOf(pod, volumeName)?.hostPath !== undefined;
}

function volumeOf(pod: Pod, volumeName: string): Volume | undefined {
  return pod.spec.volumes?.find(({ name }) => name === volumeName);
}

function propagationOf(mount: VolumeMount): ContainerMount["propagation"] {
  switch (mount.mountPropagation) {
    case "HostToContainer":
      return "host-to-container";
    case "Bidirectional":
      return "bidirectional";
    default:
      return "private";
  }
}
