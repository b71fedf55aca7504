import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { settledIpv6Address, systemClock } from "@skerry/base/platform";
import { noIpv6 } from "../errors.ts";
import { EXAMPLE_APP_IMAGE, exampleAppImage, PAUSE_IMAGE, pauseImage } from "../images/builtin-images.ts";
import { loadImage } from "../images/load-image.ts";
import { writeOciArchive } from "../images/oci-archive.ts";
import { type ContainerAbility, checkContainerAbility } from "../systemparts/container-ability.ts";
import type { SystemParts } from "../systemparts/system-parts.ts";
import { containerdConfig } from "./containerd-config.ts";
import { ipv6Problem, takeRouterAdvertisements } from "./ipv6-forwarding.ts";
import { type PodNetwork, preparePodNetwork, removePodNetwork, type WantedSubnets } from "./pod-network.ts";
import { removeContainers } from "./remove-containers.ts";

/** Where the parts of one edge node's own containerd are. */
export interface NodeContainersPaths {
  readonly folder: string;
  readonly configFile: string;
  readonly dataFolder: string;
  readonly stateFolder: string;
  readonly socketPath: string;
  readonly cniFolder: string;
}

/** The longest path that a unix socket's address holds is 107 bytes; containerd adds `.ttrpc` to its own. */
const LONGEST_SOCKET_PATH_BYTES = 107 - ".ttrpc".length;

/** The paths of the node whose files are in `nodeFolder`. */
export function nodeContainersPaths(nodeFolder: string): NodeContainersPaths {
  const folder = join(nodeFolder, "containerd");
  const wanted = join(folder, "containerd.sock");
  const hash = createHash("sha256").update(folder).digest("hex").slice(0, 12);
  return {
    folder,
    configFile: join(folder, "config.toml"),
    dataFolder: join(folder, "data"),
    stateFolder: join(folder, "state"),
    socketPath: shortSocketPath(wanted, hash),
    cniFolder: join(nodeFolder, "network"),
  };
}

/** Where EdgeCore of the node keeps its pods; its rules in the kernel are named after it. */
export function edgedFolder(nodeFolder: string): string {
  return join(nodeFolder, "edged");
}

/** `wanted`, or a path in the temporary folder where that one is too long for a socket. */
export function shortSocketPath(wanted: string, hash: string): string {
  return Buffer.byteLength(wanted) <= LONGEST_SOCKET_PATH_BYTES ? wanted : join(tmpdir(), `skerry-${hash}.sock`);
}

/** What was prepared for the node's containerd. */
export interface PreparedContainers {
  readonly paths: NodeContainersPaths;
  readonly network: PodNetwork;
  /** Why pods have no IPv6 although the machine has it. */
  readonly noIpv6Because: string | undefined;
  readonly ability: ContainerAbility;
  /** The command that runs containerd in the foreground. */
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * Checks that containers can run here, chooses the pods' network and writes containerd's configuration. Starts
 * nothing. Throws SKERRY_NEEDS_ROOT, SKERRY_CONTAINERS_UNAVAILABLE, SKERRY_NO_FREE_SUBNET, SKERRY_SUBNET_IN_USE,
 * SKERRY_NO_IPV6.
 */
export async function prepareNodeContainers(
  nodeFolder: string,
  parts: SystemParts,
  options: { readonly podSubnet?: string } = {},
): Promise<PreparedContainers> {
  const paths = nodeContainersPaths(nodeFolder);
  mkdirSync(paths.folder, { recursive: true, mode: 0o711 });
  const ability = await checkContainerAbility(parts, paths.folder);
  const { subnets, problem } = await podSubnets(options.podSubnet, parts);
  const network = preparePodNetwork(paths.cniFolder, subnets);
  const isFull = subnets.ipv6 !== undefined && network.ipv6 === undefined;
  const noIpv6Because = isFull ? "the machine's own routes leave no range for it" : problem;
  if (network.ipv6) takeRouterAdvertisements(network.ipv6.before);
  const settings = {
    dataFolder: paths.dataFolder,
    stateFolder: paths.stateFolder,
    socketPath: paths.socketPath,
    cniConfigurationFolder: join(paths.cniFolder, "conf"),
    pauseImage: PAUSE_IMAGE,
  };
  writeFileSync(paths.configFile, containerdConfig(settings, parts, ability));
  const command = [parts.containerd, "--config", paths.configFile];
  return { paths, network, noIpv6Because, ability, command, environment: parts.environment };
}

/** Pods have IPv6 where they are to have it by the option, and without one where the machine has it. */
async function podSubnets(
  option: string | undefined,
  parts: SystemParts,
): Promise<{ readonly subnets: WantedSubnets; readonly problem: string | undefined }> {
  const [ipv4, ipv6] = option?.split(",") ?? [];
  const asked = ipv4 === undefined ? {} : { ipv4 };
  if (ipv6 === undefined && (option !== undefined || (await settledIpv6Address(systemClock)) === undefined))
    return { subnets: asked, problem: undefined };
  const problem = await ipv6Problem(parts);
  if (problem !== undefined && ipv6 !== undefined) throw noIpv6(ipv6, problem);
  return { subnets: problem === undefined ? { ...asked, ipv6: ipv6 ?? "any" } : asked, problem };
}

/** Builds the pause and the example image and imports them into the node's running containerd. */
export async function importBuiltinImages(
  paths: NodeContainersPaths,
  parts: SystemParts,
  appFolder: string,
): Promise<readonly string[]> {
  const architecture = process.arch === "arm64" ? "arm64" : "x64";
  const folder = mkdtempSync(join(paths.folder, "images-"));
  try {
    for (const image of [pauseImage(architecture), exampleAppImage(architecture, parts.busybox, appFolder)]) {
      const archive = join(folder, "image.tar");
      writeFileSync(archive, writeOciArchive(image));
      await loadImage(archive, paths, parts);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return [PAUSE_IMAGE, EXAMPLE_APP_IMAGE];
}

/**
 * Removes all that the node's containers left on the machine; images and pod data stay. containerd itself has to be
 * stopped before. Safe to call again, also after a crash.
 */
export async function removeNodeContainers(nodeFolder: string, parts: SystemParts): Promise<void> {
  const paths = nodeContainersPaths(nodeFolder);
  await removeContainers(nodeFolder, paths.stateFolder, paths.socketPath);
  await removePodNetwork(paths.cniFolder, parts);
  for (const suffix of ["", ".ttrpc"]) rmSync(`${paths.socketPath}${suffix}`, { force: true });
}
