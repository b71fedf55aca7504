import { killTrees } from "@skerry/base/platform";
import { loadImage } from "../images/load-image.ts";
import {
  edgedFolder,
  importBuiltinImages,
  nodeContainersPaths,
  prepareNodeContainers,
  removeNodeContainers,
} from "../nodecontainers/node-containers.ts";
import { shimsOf } from "../nodecontainers/remove-containers.ts";
import { runCommand } from "../run-command.ts";
import type { SkerryHome } from "../skerry-home.ts";
import { containerdPart } from "../supervisor/part-descriptions.ts";
import type { SystemParts } from "../systemparts/system-parts.ts";
import type { NodeRuntime } from "./node-runtime.ts";

/** The node's own containerd: needs root. */
export function containerdRuntime(home: SkerryHome, node: string, parts: SystemParts): NodeRuntime {
  const nodeFolder = home.nodeFolder(node);
  const paths = nodeContainersPaths(nodeFolder);
  const { socketPath } = paths;
  return {
    kind: "containerd",
    socketPath,
    parts,
    async prepare(options) {
      const prepared = await prepareNodeContainers(nodeFolder, parts, options);
      const { network, noIpv6Because, ability } = prepared;
      const subnets = [network.subnet, ...(network.ipv6 ? [network.ipv6.subnet] : [])].join(" and ");
      const lack = noIpv6Because === undefined ? "" : ` (no IPv6: ${noIpv6Because})`;
      return {
        part: containerdPart(home, node, prepared),
        detail: `pods get ${subnets}${lack}, snapshots by ${ability.snapshotter}`,
      };
    },
    importBuiltinImages: (appFolder) => importBuiltinImages(paths, parts, appFolder),
    loadImage: (archive) => loadImage(archive, paths, parts),
    async containers() {
      const listed = await runCommand([parts.ctr, "--address", socketPath, "--namespace", "k8s.io", "tasks", "list"], {
        environment: parts.environment,
      });
      return new Map(
        [...listed.matchAll(/^(\S+)\s+(\d+)\s+RUNNING/gm)].map((match) => [match[1] ?? "", Number(match[2])]),
      );
    },
    async killContainers() {
      killTrees(shimsOf(socketPath));
    },
    async remove() {
      await removeNodeContainers(nodeFolder, parts);
      const { removeServiceRules } = await import("@skerry/edgecore/platform");
      await removeServiceRules(edgedFolder(nodeFolder), parts);
    },
  };
}
