import type { Container, Pod } from "@skerry/api";
import type { JsonObject } from "@skerry/base";
import { invalidPod, notSupported } from "../errors.ts";
import { booleanAt, listAt, numberAt, objectAt, stringAt, stringsAt } from "../json-access.ts";
import type { HostNamespaces, ProcessUser, RuntimeImage, SeccompProfile } from "../ports.ts";

/** A container's security settings: its own, else the pod's. */
export interface SecuritySettings {
  readonly privileged: boolean;
  readonly user: ProcessUser;
  readonly readOnlyRootFilesystem: boolean;
  readonly noNewPrivileges: boolean;
  readonly addCapabilities: readonly string[];
  readonly dropCapabilities: readonly string[];
  readonly seccomp: SeccompProfile;
}

/**
 * Reads a container's security settings.
 * @throws `EDGED_INVALID_POD` when runAsNonRoot is asked for and the user is root or not known by number
 */
export function securitySettings(pod: Pod, container: Container, image: RuntimeImage | undefined): SecuritySettings {
  const ofPod = pod.spec.securityContext;
  const own = container.securityContext;
  const userId = numberAt(own, "runAsUser") ?? numberAt(ofPod, "runAsUser");
  const groupId = numberAt(own, "runAsGroup") ?? numberAt(ofPod, "runAsGroup");
  const privileged = booleanAt(own, "privileged") ?? false;
  if (booleanAt(own, "runAsNonRoot") ?? booleanAt(ofPod, "runAsNonRoot")) checkNotRoot(container, userId, image);
  const capabilities = objectAt(own, "capabilities");
  return {
    privileged,
    user: {
      // CRI takes a group only together with a user; without one the image's user is meant.
      ...userOf(userId ?? (groupId === undefined ? undefined : (image?.userId ?? 0)), groupId),
      supplementalGroups: podGroups(pod),
    },
    readOnlyRootFilesystem: booleanAt(own, "readOnlyRootFilesystem") ?? false,
    noNewPrivileges: booleanAt(own, "allowPrivilegeEscalation") === false,
    addCapabilities: stringsAt(capabilities, "add"),
    dropCapabilities: stringsAt(capabilities, "drop"),
    seccomp: privileged
      ? { kind: "unconfined" }
      : seccompOf(objectAt(own, "seccompProfile") ?? objectAt(ofPod, "seccompProfile")),
  };
}

/** Group that owns a pod's volumes, if it names one. */
export function volumeGroup(pod: Pod): number | undefined {
  return numberAt(pod.spec.securityContext, "fsGroup");
}

/** The sandbox's own user and groups. */
export function sandboxUser(pod: Pod): ProcessUser {
  const context = pod.spec.securityContext;
  const userId = numberAt(context, "runAsUser");
  return {
    ...userOf(userId, userId === undefined ? undefined : numberAt(context, "runAsGroup")),
    supplementalGroups: podGroups(pod),
  };
}

export function hostNamespaces(pod: Pod): HostNamespaces {
  return {
    network: pod.spec.hostNetwork === true,
    pid: pod.spec.hostPID === true,
    ipc: pod.spec.hostIPC === true,
  };
}

/** Kernel settings of the pod's own namespaces. */
export function sysctls(pod: Pod): Record<string, string> {
  const settings: Record<string, string> = {};
  for (const entry of listAt(pod.spec.securityContext, "sysctls") as JsonObject[]) {
    const name = stringAt(entry, "name");
    if (name !== undefined) settings[name] = stringAt(entry, "value") ?? "";
  }
  return settings;
}

function podGroups(pod: Pod): number[] {
  const context = pod.spec.securityContext;
  const groups = listAt(context, "supplementalGroups").filter((group) => typeof group === "number");
  const owner = volumeGroup(pod);
  return owner === undefined ? groups : [owner, ...groups];
}

function userOf(userId: number | undefined, groupId: number | undefined): { userId?: number; groupId?: number } {
  return {
    ...(userId === undefined ? {} : { userId }),
    ...(groupId === undefined ? {} : { groupId }),
  };
}

function checkNotRoot(container: Container, userId: number | undefined, image: RuntimeImage | undefined): void {
  const field = `container ${container.name}: runAsNonRoot`;
  const effective = userId ?? image?.userId;
  if (effective !== undefined && effective !== 0) return;
  if (effective === undefined && image?.userName !== undefined && image.userName !== "root")
    throw invalidPod(field, `the image's user ${image.userName} is a name, so it cannot be told whether it is root`);
  throw invalidPod(field, "the container would run as root");
}

function seccompOf(profile: JsonObject | undefined): SeccompProfile {
  switch (stringAt(profile, "type")) {
    case undefined:
    case "Unconfined":
      return { kind: "unconfined" };
    case "RuntimeDefault":
      return { kind: "runtime-default" };
    default:
      throw notSupported("seccompProfile.type Localhost", "profiles are not distributed to edge nodes");
  }
}
