import { join } from "node:path";
import type { Container, Pod } from "@skerry/api";
import type { JsonObject } from "@skerry/base";
import { invalidPod, pathEscapes } from "../errors.ts";
import { booleanAt, listAt, numberAt, objectAt, stringAt, stringsAt } from "../json-access.ts";
import type { HostNamespaces, ProcessUser, RuntimeImage, SecurityProfile, SeLinuxLabel } from "../ports.ts";

/** A container's security settings: its own, else the pod's. */
export interface SecuritySettings {
  readonly privileged: boolean;
  readonly user: ProcessUser;
  readonly readOnlyRootFilesystem: boolean;
  readonly noNewPrivileges: boolean;
  readonly addCapabilities: readonly string[];
  readonly dropCapabilities: readonly string[];
  readonly seccomp: SecurityProfile;
  readonly appArmor: SecurityProfile | undefined;
  readonly seLinux: SeLinuxLabel | undefined;
  readonly unmaskedProc: boolean;
}

/**
 * Reads a container's security settings.
 * @param profileFolder where the machine's own seccomp profiles are
 * @param unnamed seccomp profile of containers that name none
 * @throws `EDGED_INVALID_POD` when runAsNonRoot is asked for and the user is root or not known by number
 * @throws `EDGED_PATH_ESCAPES` for a profile outside its folder
 */
export function securitySettings(
  pod: Pod,
  container: Container,
  image: RuntimeImage | undefined,
  profileFolder: string,
  unnamed: SecurityProfile = { kind: "unconfined" },
): SecuritySettings {
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
      ...podGroups(pod),
    },
    readOnlyRootFilesystem: booleanAt(own, "readOnlyRootFilesystem") ?? false,
    noNewPrivileges: booleanAt(own, "allowPrivilegeEscalation") === false,
    addCapabilities: stringsAt(capabilities, "add"),
    dropCapabilities: stringsAt(capabilities, "drop"),
    seccomp: privileged
      ? { kind: "unconfined" }
      : (profileOf(objectAt(own, "seccompProfile") ?? objectAt(ofPod, "seccompProfile"), (name) =>
          profilePath(profileFolder, name),
        ) ?? unnamed),
    appArmor: privileged
      ? undefined
      : profileOf(objectAt(own, "appArmorProfile") ?? objectAt(ofPod, "appArmorProfile"), (name) => name),
    seLinux: seLinuxLabel(objectAt(own, "seLinuxOptions") ?? objectAt(ofPod, "seLinuxOptions")),
    unmaskedProc: stringAt(own, "procMount") === "Unmasked",
  };
}

/** Group that owns a pod's volumes, if it names one. */
export function volumeGroup(pod: Pod): number | undefined {
  return numberAt(pod.spec.securityContext, "fsGroup");
}

/** Whether a volume's files are given to the group even if its root has it already. */
export function changesGroupAlways(pod: Pod): boolean {
  return stringAt(pod.spec.securityContext, "fsGroupChangePolicy") !== "OnRootMismatch";
}

/** The sandbox's own user and groups. */
export function sandboxUser(pod: Pod): ProcessUser {
  const context = pod.spec.securityContext;
  const userId = numberAt(context, "runAsUser");
  return {
    ...userOf(userId, userId === undefined ? undefined : numberAt(context, "runAsGroup")),
    ...podGroups(pod),
  };
}

/** The SELinux label that a securityContext asks for. */
export function seLinuxLabel(options: JsonObject | undefined): SeLinuxLabel | undefined {
  if (!options) return undefined;
  const part = (name: string): string => stringAt(options, name) ?? "";
  return { user: part("user"), role: part("role"), type: part("type"), level: part("level") };
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

function podGroups(pod: Pod): Pick<ProcessUser, "supplementalGroups" | "onlyTheseGroups"> {
  const context = pod.spec.securityContext;
  const groups = listAt(context, "supplementalGroups").filter((group) => typeof group === "number");
  const owner = volumeGroup(pod);
  return {
    supplementalGroups: owner === undefined ? groups : [owner, ...groups],
    onlyTheseGroups: stringAt(context, "supplementalGroupsPolicy") === "Strict",
  };
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

/** A seccomp or AppArmor profile; undefined where none is named. */
function profileOf(
  profile: JsonObject | undefined,
  referenceTo: (localName: string) => string,
): SecurityProfile | undefined {
  const type = stringAt(profile, "type");
  switch (type) {
    case undefined:
      return undefined;
    case "Unconfined":
      return { kind: "unconfined" };
    case "RuntimeDefault":
      return { kind: "runtime-default" };
    case "Localhost":
      return { kind: "localhost", reference: referenceTo(stringAt(profile, "localhostProfile") ?? "") };
    default:
      throw invalidPod("securityContext", `there is no profile type ${type}`);
  }
}

/** A seccomp profile of the machine: below the folder, as with the kubelet. */
function profilePath(folder: string, name: string): string {
  if (name === "" || name.startsWith("/") || name.split("/").includes("..")) throw pathEscapes(name, folder);
  return join(folder, name);
}
