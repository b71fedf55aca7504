import { mkdir, symlink } from "node:fs/promises";
import { constants as system } from "node:os";
import { join } from "node:path";
import {
  type ContainerConfig,
  type Int64Value,
  type LinuxContainerResources,
  SecurityProfile_ProfileType,
} from "../../edged/platform/generated/cri.ts";
import type { GroupLimits } from "../../edged/ports.ts";
import { needsEngine, startFailed } from "../errors.ts";
import { processIdentity } from "../image-user.ts";
import type { MachineAbility } from "./ability.ts";
import type { ContainerState } from "./container-record.ts";
import { imageText } from "./container-root.ts";
import type { StoredImage } from "./image-store.ts";
import { runTool } from "./run-tool.ts";

/** Whether two containers of a pod are the same one and its same attempt. */
export function isSameName(one: ContainerConfig, other: ContainerConfig): boolean {
  return one.metadata?.name === other.metadata?.name && (one.metadata?.attempt ?? 0) === (other.metadata?.attempt ?? 0);
}

/** Capabilities that mean something within the container's own user namespace, or that nothing here needs. */
const CAPABILITIES_WITHIN: ReadonlySet<string> = new Set([
  ...["AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "NET_BIND_SERVICE"],
  ...["SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"],
  // `kubectl debug` asks for it; a container's own processes may be traced without it.
  "SYS_PTRACE",
]);

/** @throws SkerryError `PROCESS_RUNTIME_CANNOT` */
export function refuseWhatCannotBe(config: ContainerConfig): void {
  const security = config.linux?.securityContext;
  if (security?.privileged === true) throw needsEngine("privileged containers");
  if ((config.devices?.length ?? 0) + (config.CDIDevices?.length ?? 0) > 0)
    throw needsEngine("devices of a device plugin");
  if (config.mounts?.some(({ propagation }) => propagation === 2)) throw needsEngine("mountPropagation Bidirectional");
  const { Localhost } = SecurityProfile_ProfileType;
  if (security?.seccomp?.profileType === Localhost) throw needsEngine("a seccomp profile of the machine (Localhost)");
  if (security?.apparmor?.profileType === Localhost)
    throw needsEngine("an AppArmor profile of the machine (Localhost)");
  if (Object.values(security?.selinuxOptions ?? {}).some((part) => part !== "")) throw needsEngine("seLinuxOptions");
  for (const capability of security?.capabilities?.addCapabilities ?? [])
    if (!CAPABILITIES_WITHIN.has(capability.replace(/^CAP_/, ""))) throw needsEngine(`the capability ${capability}`);
}

/** What a container may use; nothing is no limit. */
export function groupLimits(resources: LinuxContainerResources = {}): GroupLimits {
  const { cpuPeriod = 0n, cpuQuota = 0n, cpuShares = 0n, memoryLimitInBytes = 0n } = resources;
  return {
    cpuPeriodUs: Number(cpuPeriod),
    cpuQuotaUs: Number(cpuQuota),
    cpuShares: Number(cpuShares),
    memoryBytes: Number(memoryLimitInBytes),
  };
}

/** Who the container's process is. @throws SkerryError `PROCESS_RUNTIME_START_FAILED` */
export async function userOf(config: ContainerConfig, image: StoredImage): Promise<ContainerState["user"]> {
  const security = config.linux?.securityContext;
  const numberOf = (value: Int64Value | undefined): number | undefined =>
    value === undefined ? undefined : Number(value.value ?? 0n);
  const [users, groups] = await Promise.all([imageText(image, "/etc/passwd"), imageText(image, "/etc/group")]);
  const wanted = {
    userId: numberOf(security?.runAsUser),
    userName: security?.runAsUsername ?? "",
    groupId: numberOf(security?.runAsGroup),
  };
  const user = processIdentity(wanted, image.config.user, users, groups);
  if (!user)
    throw startFailed(
      `unable to find user ${wanted.userName || image.config.user}: no matching entries in passwd file`,
    );
  return user;
}

/** `SIGTERM`, `TERM` or `15`; what is none of them is SIGTERM. */
export function signalOf(text: string): NodeJS.Signals {
  const byNumber = Object.entries(system.signals).find(([, number]) => String(number) === text)?.[0];
  const name = byNumber ?? (text.startsWith("SIG") ? text : `SIG${text}`);
  return name in system.signals ? (name as NodeJS.Signals) : "SIGTERM";
}

/** Makes the folder of a container: its own layer, the ends of what goes in and out. @throws SkerryError `PROCESS_RUNTIME_START_FAILED` */
export async function makeContainerFolder(
  folder: string,
  image: StoredImage,
  { busybox, ability }: { readonly busybox: string; readonly ability: MachineAbility },
): Promise<void> {
  await mkdir(folder, { mode: 0o700 });
  // The first is the container's root in the end: all its users enter.
  for (const sub of ["upper", "work", "root"]) await mkdir(join(folder, sub), { mode: 0o755 });
  const pipes = await runTool([busybox, "mkfifo", "-m", "600", "stdin", "stdout", "stderr"], { folder });
  if (pipes.status !== 0) throw startFailed(`named pipes cannot be made: ${pipes.errors.toString("utf8").trim()}`);
  await symlink(image.rootFolder, join(folder, "lower"));
  if (ability.overlay) return;
  const copied = await runTool(["cp", "-a", "--reflink=auto", image.rootFolder, join(folder, "copy")], {
    timeoutMs: 10 * 60_000,
  });
  if (copied.status !== 0) throw startFailed(`the image cannot be copied: ${copied.errors.toString("utf8").trim()}`);
}
