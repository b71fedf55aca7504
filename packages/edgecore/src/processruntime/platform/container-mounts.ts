import { realpath } from "node:fs/promises";
import { join } from "node:path";
import { describeError } from "@skerry/base";
import type { DNSConfig } from "../../edged/platform/generated/cri.ts";
import { startFailed } from "../errors.ts";
import type { Container } from "./container-record.ts";
import { writeResolvConf } from "./container-root.ts";
import type { BindMount } from "./launch-container.ts";
import { POD_NAME_SERVER } from "./outbound-network.ts";
import type { Sandbox } from "./sandboxes.ts";

/**
 * What of the machine the container sees. Links are followed here: inside of the container's root they would lead elsewhere.
 * @throws SkerryError `PROCESS_RUNTIME_START_FAILED`
 */
export async function mountsOf(container: Container, sandbox: Sandbox): Promise<BindMount[]> {
  const mounts: BindMount[] = [];
  for (const { containerPath: to = "", hostPath = "", readonly } of container.config.mounts ?? []) {
    const from = await realpath(hostPath).catch((error: unknown) => {
      throw startFailed(`the volume for ${to} cannot be mounted: ${describeError(error)}`);
    });
    mounts.push({ from, to, isReadOnly: readonly === true });
  }
  if (mounts.some(({ to }) => to === "/etc/resolv.conf")) return mounts;
  const dns = sandbox.config.dnsConfig && reachable(sandbox.config.dnsConfig, sandbox);
  const from = dns ? join(container.folder, "resolv.conf") : await realpath("/etc/resolv.conf");
  if (dns) await writeResolvConf(from, dns);
  // The machine's own file is not the container's to change.
  return [...mounts, { from, to: "/etc/resolv.conf", isReadOnly: dns === undefined }];
}

/** Name servers on the machine's loopback, which a pod does not reach, are asked for it by what leads it out. */
function reachable(dns: DNSConfig, { outbound }: Sandbox): DNSConfig {
  if (!outbound) return dns;
  const servers = (dns.servers ?? []).map((server) => (/^(127\.|::1$)/.test(server) ? POD_NAME_SERVER : server));
  return { ...dns, servers: [...new Set(servers)] };
}
