import { NamespaceMode, type PodSandboxConfig, Protocol } from "../../edged/platform/generated/cri.ts";
import { needsEngine } from "../errors.ts";

/** The kernel's settings that each network, or each space of shared memory and queues, has for itself. */
const OF_NETWORK = /^net\./;
const OF_IPC = /^(kernel\.(shm|msg)[a-z_]*|kernel\.sem|fs\.mqueue\.[a-z_]+)$/;
const SETTING_NAME = /^[a-z0-9](?:[-_a-z0-9]*[a-z0-9])?(?:[./][a-z0-9](?:[-_a-z0-9]*[a-z0-9])?)*$/i;

/** @throws SkerryError `PROCESS_RUNTIME_CANNOT` */
export function refuseSandbox(config: PodSandboxConfig, runtimeHandler: string): void {
  if (runtimeHandler !== "") throw needsEngine(`runtimeClassName ${runtimeHandler}`);
  for (const { protocol = Protocol.TCP, hostPort = 0 } of config.portMappings ?? [])
    if (hostPort > 0 && protocol !== Protocol.TCP)
      throw needsEngine(`hostPort ${hostPort} of another protocol than TCP`);
  kernelSettings(config);
}

/**
 * The pod's own settings of the kernel, as files below /proc/sys and what is written there: `net/core/somaxconn=64`.
 * @throws SkerryError `PROCESS_RUNTIME_CANNOT`
 */
export function kernelSettings({ linux }: PodSandboxConfig): string[] {
  const { network, ipc } = linux?.securityContext?.namespaceOptions ?? {};
  return Object.entries(linux?.sysctls ?? {}).map(([name, value]) => {
    // Where the first separator is a slash, dots are part of names, as of network interfaces.
    const path = /^[^./]*\//.test(name) ? name : name.replaceAll(".", "/");
    const dotted = path.replaceAll("/", ".");
    const isOwn =
      (OF_NETWORK.test(dotted) && network !== NamespaceMode.NODE) ||
      (OF_IPC.test(dotted) && ipc !== NamespaceMode.NODE);
    if (!isOwn || !SETTING_NAME.test(name)) throw needsEngine(`the sysctl ${name}, which is not the pod's own`);
    return `${path}=${value}`;
  });
}
