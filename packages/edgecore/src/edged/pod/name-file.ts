import type { Pod } from "@skerry/api";
import type { PodServices } from "../services.ts";
import { isLoopback } from "./ip-address.ts";
import { asksNode, fittingResolution, nameResolution, resolvConfText } from "./name-resolution.ts";
import type { PodPaths } from "./pod-paths.ts";

const NAME_FILE_LIMIT_BYTES = 64 * 1024;
const READABLE_BY_ALL = 0o644;

type Services = Pick<PodServices, "names" | "config" | "fileSystem">;

/**
 * Writes the /etc/resolv.conf of a pod that asks the node's own name server; undefined: the runtime's is right for it.
 * The file is Edged's own, so that it can change while containers run: with the first Service on the node.
 */
export async function writeNameFile(
  pod: Pod,
  addresses: readonly string[],
  { nameFile }: PodPaths,
  { names, config, fileSystem }: Services,
): Promise<string | undefined> {
  if (!names || !asksNode(pod, config)) return undefined;
  const [address] = addresses;
  // The process runtime's pods have a network of another kind, and ask where it tells them.
  if (address === undefined || isLoopback(address)) return undefined;
  const server = await names.serverFor(address);
  const text = resolvConfText(fittingResolution(await nameResolution(pod, config, fileSystem, server)).resolution);
  const written = await fileSystem.readFile(nameFile, NAME_FILE_LIMIT_BYTES);
  if (written === undefined || new TextDecoder().decode(written) !== text)
    await fileSystem.writeFile(nameFile, new TextEncoder().encode(text), READABLE_BY_ALL);
  return nameFile;
}

/** Brings the file of running containers up to date, where they have one. */
export async function refreshNameFile(
  pod: Pod,
  addresses: readonly string[],
  paths: PodPaths,
  services: Services,
): Promise<void> {
  const isThere = (await services.fileSystem.status(paths.nameFile)) !== undefined;
  if (isThere && addresses.length > 0) await writeNameFile(pod, addresses, paths, services);
}
