import type { Clock } from "@skerry/base";
import type { KubernetesApi } from "@skerry/kube";
import { REPLICA_ANNOTATION, SESSION_LEASE_PREFIX, SYSTEM_NAMESPACE } from "../cloudhub/index.ts";
import { lastHeardMs } from "../last-heard.ts";
import { listLeases, listNodeLeases } from "./node-leases.ts";

/** Which CloudCore a node is, or was last, connected to. */
export interface NodeHolder {
  readonly node: string;
  readonly cloudCore: string;
  /** Whether the node's lease lives, and not only because its CloudCore awaits its return. */
  readonly connected: boolean;
}

/**
 * Where the nodes' sessions are, by name of the node; read from the leases, so that it can be asked anywhere.
 * @throws ApiError
 */
export async function nodeHolders(
  api: KubernetesApi,
  clock: Pick<Clock, "now">,
  signal?: AbortSignal,
): Promise<readonly NodeHolder[]> {
  const [own, kept] = await Promise.all([listNodeLeases(api, signal), listLeases(api, SYSTEM_NAMESPACE, signal)]);
  // Of nodes that renew their lease themselves.
  const holders = new Map(kept.map(({ metadata }) => [metadata.name, metadata.annotations?.[REPLICA_ANNOTATION]]));
  const found = own.flatMap((lease): NodeHolder[] => {
    const { metadata, spec } = lease;
    const node = metadata.name;
    const cloudCore = metadata.annotations?.[REPLICA_ANNOTATION] ?? holders.get(`${SESSION_LEASE_PREFIX}${node}`);
    if (cloudCore === undefined) return [];
    const connected = clock.now() - lastHeardMs(lease) <= (spec?.leaseDurationSeconds ?? 0) * 1_000;
    return [{ node, cloudCore, connected }];
  });
  return found.sort((left, right) => left.node.localeCompare(right.node));
}
