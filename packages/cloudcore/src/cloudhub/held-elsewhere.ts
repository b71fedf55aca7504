import type { Clock } from "@skerry/base";
import type { KubernetesApi } from "@skerry/kube";
import { lastHeardMs } from "../last-heard.ts";
import { REPLICA_ANNOTATION } from "./node-annotation.ts";
import { readLease, sessionLeaseOf } from "./session-lease.ts";

/**
 * Whether another CloudCore has a live session of the node, as far as leases tell: a session that ended a moment ago
 * still counts until the node's lease has run out.
 * @throws ApiError
 */
export async function isHeldElsewhere(
  { api, clock, replica }: { readonly api: KubernetesApi; readonly clock: Clock; readonly replica: string },
  nodeName: string,
): Promise<boolean> {
  const lease = await readLease(api, sessionLeaseOf(nodeName, "cloud"));
  const { leaseDurationSeconds = 0 } = lease?.spec ?? {};
  if (!lease || clock.now() - lastHeardMs(lease) > leaseDurationSeconds * 1_000) return false;
  const holder =
    lease.metadata.annotations?.[REPLICA_ANNOTATION] ??
    (await readLease(api, sessionLeaseOf(nodeName, "edge")))?.metadata.annotations?.[REPLICA_ANNOTATION];
  return holder !== undefined && holder !== replica;
}
