import type { Pod } from "@skerry/api";
import type { FileSystem } from "../ports.ts";
import { podHostName } from "./pod-host-name.ts";

const HOSTS_LIMIT_BYTES = 256 * 1024;

/** A pod's /etc/hosts, as the kubelet writes it. */
export async function hostsFile(
  pod: Pod,
  clusterDomain: string,
  addresses: readonly string[],
  files: FileSystem,
): Promise<Uint8Array> {
  const lines: string[] = [];
  if (pod.spec.hostNetwork === true) {
    const host = await files.readFile("/etc/hosts", HOSTS_LIMIT_BYTES);
    lines.push("# Kubernetes-managed hosts file (host network).", new TextDecoder().decode(host ?? new Uint8Array()));
  } else {
    lines.push(
      "# Kubernetes-managed hosts file.",
      "127.0.0.1\tlocalhost",
      "::1\tlocalhost ip6-localhost ip6-loopback",
      "fe00::0\tip6-localnet",
      "fe00::0\tip6-mcastprefix",
      "fe00::1\tip6-allnodes",
      "fe00::2\tip6-allrouters",
      ...addresses.map((address) => [address, ...podNames(pod, clusterDomain)].join("\t")),
    );
  }
  const aliases = pod.spec.hostAliases ?? [];
  if (aliases.length > 0)
    lines.push(
      "",
      "# Entries added by HostAliases.",
      ...aliases.map((a) => `${a.ip}\t${(a.hostnames ?? []).join("\t")}`),
    );
  return new TextEncoder().encode(`${lines.join("\n")}\n`);
}

/** The full name first, where the pod has one. */
function podNames(pod: Pod, clusterDomain: string): string[] {
  const { short, full } = podHostName(pod, clusterDomain);
  return full === undefined ? [short] : [full, short];
}
