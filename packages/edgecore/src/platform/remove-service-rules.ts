/** Removes the rules for Services that a node's EdgeCore has left in the kernel; it has ended. Never throws. */
export async function removeServiceRules(
  rootDirectory: string,
  programs: { readonly iptables: string; readonly environment: Readonly<Record<string, string>> },
): Promise<void> {
  const { removeRules } = await import("../servicenetwork/platform/iptables.ts");
  await removeRules(rootDirectory, programs);
}
