/** How a session delivers: as KubeEdge does, or Skerry's own way between Skerry's two ends. */
export type DeliveryName = "kubeedge" | "skerry";

/**
 * Header of the WebSocket upgrade. The edge lists the versions of Skerry's delivery that it speaks, joined by commas; the
 * cloud answers with the one it has chosen. A peer that does not know the header leaves it out, and both speak KubeEdge's.
 */
export const DELIVERY_HEADER = "skerry-delivery";

const VERSION = "1";

/** The header's value in the edge's request. */
export const OFFERED_DELIVERY: string = VERSION;

/** The version that both know, for the header of the answer; undefined when there is none. */
export function agreedDelivery(offered: string | undefined): string | undefined {
  return (offered ?? "").split(",").some((version) => version.trim() === VERSION) ? VERSION : undefined;
}

/** How a session delivers, from the headers of the other end's half of the upgrade (lower-case names). */
export function deliveryOf(headers: Readonly<Record<string, string>>): DeliveryName {
  return agreedDelivery(headers[DELIVERY_HEADER]) === undefined ? "kubeedge" : "skerry";
}
