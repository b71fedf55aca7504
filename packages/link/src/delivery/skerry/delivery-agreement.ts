import type { Message } from "../../message.ts";
import { type MessageStamp, newMessage } from "../../message-builders.ts";

/** How a session delivers: as KubeEdge does, or Skerry's own way between Skerry's two ends. */
export type DeliveryName = "kubeedge" | "skerry";

/**
 * Header of the WebSocket upgrade. The edge lists the versions of Skerry's delivery that it speaks, joined by commas; the
 * cloud answers with the one it has chosen. A peer that does not know the header leaves it out, and both speak KubeEdge's.
 */
export const DELIVERY_HEADER = "skerry-delivery";

/**
 * Header of both halves of the upgrade. The edge: it opens its stream tunnel when it is asked to. The cloud: it takes
 * tunnels on this port, and asks. A peer that leaves it out has, or expects, a tunnel that is always open.
 */
export const TUNNEL_HEADER = "skerry-tunnel";

/** The value of {@link TUNNEL_HEADER}. */
export const TUNNEL_ON_DEMAND = "on-demand";

/**
 * Header of the cloud's half of the upgrade: SHA-256 (hex) of the only authority that it has, DER. A node that trusts just
 * that one need not ask which there are. Left out while the authority changes, and never sent to KubeEdge.
 */
export const AUTHORITY_HEADER = "skerry-authority";

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

/** Whether the other end's half of the upgrade says that tunnels are opened on demand. */
export function opensTunnelOnDemand(headers: Readonly<Record<string, string>>): boolean {
  return headers[TUNNEL_HEADER] === TUNNEL_ON_DEMAND;
}

/** The cloud's request that the node opens its stream tunnel, on the port of this session. */
export function tunnelRequestMessage(stamp: MessageStamp): Message {
  return newMessage(stamp, { source: "skerry", group: "streams", operation: "open", resource: "tunnel" }, null);
}
