import type { Lease } from "@skerry/api";

/**
 * Annotation of a node's lease that a CloudCore renews because it awaits the node's return: when the node was last heard
 * of (RFC 3339). The session that the node returns with removes it.
 */
export const AWAITED_SINCE_ANNOTATION = "skerry.io/awaited-since";

/** Nobody is awaited for longer after it was last heard of, however often CloudCore starts. */
export const AWAITED_AT_MOST_MS: number = 5 * 60_000;

/** When a node was last heard of, as its lease tells (epoch, ms): a renewal by who awaits the node is none. NaN: never. */
export function lastHeardMs(lease: Lease | undefined): number {
  const renewedMs = Date.parse(lease?.spec?.renewTime ?? "");
  const awaitedSinceMs = Date.parse(lease?.metadata.annotations?.[AWAITED_SINCE_ANNOTATION] ?? "");
  // A node that renews its lease itself meanwhile leaves the annotation there.
  return renewedMs - awaitedSinceMs <= AWAITED_AT_MOST_MS ? awaitedSinceMs : renewedMs;
}
