import type { Container, Pod, VolumeMount } from "@skerry/api";
import { invalidPod } from "../errors.ts";
import type { ContainerMount, FileSystem } from "../ports.ts";
import { resolveSubPath } from "../volumes/sub-path.ts";
import { expandReferences } from "./expansion.ts";

const HOSTS_PATH = "/etc/hosts";

/** Files that every container gets beside its volumes. */
export interface ManagedFiles {
  readonly hostsFile: string;
  readonly terminationLog: string;
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
  managed: ManagedFiles,
  files: FileSystem,
): Promise<ContainerMount[]> {
  const mounts: ContainerMount[] = [];
  for (const mount of container.volumeMounts ?? []) {
    const volumePath = volumePaths.get(mount.name);
    if (volumePath === undefined)
      throw invalidPod(`container ${container.name}: volumeMounts`, `there is no volume "${mount.name}"`);
    const subPath = mount.subPath ?? (mount.subPathExpr ? expandReferences(mount.subPathExpr, variables) : "");
    const projected = isProjected(pod, mount.name);
    mounts.push({
      containerPath: mount.mountPath.startsWith("/") ? mount.mountPath : `/${mount.mountPath}`,
      hostPath: subPath === "" ? volumePath : await resolveSubPath(files, volumePath, subPath),
      readOnly: mount.readOnly === true || projected,
      propagation: propagationOf(mount),
    });
  }
  if (!mounts.some(({ containerPath }) => containerPath === HOSTS_PATH))
    mounts.push({ containerPath: HOSTS_PATH, hostPath: managed.hostsFile, readOnly: false, propagation: "private" });
  const terminationPath = container.terminationMessagePath ?? "/dev/termination-log";
  mounts.push({
    containerPath: terminationPath,
    hostPath: managed.terminationLog,
    readOnly: false,
    propagation: "private",
  });
  return mounts;
}

/** Volumes that show API data are read-only whatever the mount says. */
function isProjected(pod: Pod, volumeName: string): boolean {
  const volume = pod.spec.volumes?.find(({ name }) => name === volumeName);
  return Boolean(volume?.configMap || volume?.secret || volume?.downwardAPI || volume?.projected);
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
