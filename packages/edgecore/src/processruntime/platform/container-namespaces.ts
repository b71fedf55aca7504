import { type ContainerConfig, NamespaceMode } from "../../edged/platform/generated/cri.ts";
import type { Namespaces, ProcessSharing } from "../container-command.ts";
import type { Sandbox } from "./sandboxes.ts";

/** Whose processes may be shared. */
export interface SharedProcesses {
  /** A process of those that the pod's containers share. */
  ofPod(): Promise<number>;
  /** The first process of another container. @throws SkerryError `PROCESS_RUNTIME_REFUSED` */
  ofContainer(id: string): number;
}

/** A container's place in its pod. */
export async function namespacesOf(
  config: ContainerConfig,
  sandbox: Sandbox,
  shared: SharedProcesses,
): Promise<Namespaces> {
  const { pid, ipc, targetId = "" } = config.linux?.securityContext?.namespaceOptions ?? {};
  const processes = async (): Promise<ProcessSharing> => {
    if (pid === NamespaceMode.NODE) return { kind: "machine" };
    if (pid === NamespaceMode.CONTAINER) return { kind: "own" };
    return {
      kind: "joined",
      processId: pid === NamespaceMode.TARGET ? shared.ofContainer(targetId) : await shared.ofPod(),
    };
  };
  return {
    holderId: sandbox.holder.processId,
    network: sandbox.address !== undefined,
    hostname: sandbox.address !== undefined,
    ipc: ipc !== NamespaceMode.NODE,
    processes: await processes(),
  };
}
