import type { IptablesPrograms } from "../servicenetwork/platform/iptables.ts";

/** Removes the rules for Services that a node's EdgeCore has left in the kernel; it has ended. Never throws. */
export async function removeServiceRules(rootDirectory: string, programs: IptablesPrograms): Promise<void> {
  const { removeRules } = await import("../servicenetwork/platform/iptables.ts");
  await removeRules(rootDirectory, programs);
}
