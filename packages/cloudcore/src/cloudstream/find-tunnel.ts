import type { Clock } from "@skerry/base";
import type { ByteStream, ConnectRequest, Multiplexer } from "@skerry/streams";
import type { NodeTunnels } from "./node-tunnels.ts";
import type { PeerStreams } from "./peer-streams.ts";

/** Where a node's tunnel is. */
export type TunnelLookup =
  | { readonly kind: "here"; readonly tunnel: Multiplexer }
  /** At another CloudCore; what comes on the stream begins with the head of an HTTP answer. */
  | { readonly kind: "elsewhere"; open(): ByteStream }
  /** It has none; `asked`: although it is connected and was asked to open it. */
  | { readonly kind: "none"; readonly asked: boolean };

export interface FindTunnelPorts {
  readonly tunnels: NodeTunnels;
  /** Left out where there is no other CloudCore. */
  readonly peers: Pick<PeerStreams, "isAlone" | "look"> | undefined;
  readonly clock: Clock;
}

/** Time for a node to open the tunnel that it is asked for: a name, TCP and TLS over a slow line. */
const OPENING_MS = 10_000;
/** How often the other CloudCores are asked whether the tunnel has come to them. */
const LOOK_AGAIN_MS = 200;

/**
 * Finds the tunnel of a node, here or at another CloudCore. A node that opens its tunnel only when asked is asked by the
 * CloudCore that has its session; where several share an address, the tunnel may then come to any of them.
 */
export async function findTunnel(
  { tunnels, peers, clock }: FindTunnelPorts,
  nodeName: string,
  request: ConnectRequest,
): Promise<TunnelLookup> {
  const open = tunnels.get(nodeName);
  if (open) return { kind: "here", tunnel: open };
  const others = peers && !(await peers.isAlone()) ? peers : undefined;
  // First without asking the node: a tunnel that it opens ends the one that it has.
  const present = await others?.look(nodeName, request, { ask: false });
  if (present?.kind === "serves") return { kind: "elsewhere", open: present.open };
  let asked = tunnels.ask(nodeName);
  if (!asked && others) {
    const answer = await others.look(nodeName, request, { ask: true });
    if (answer.kind === "serves") return { kind: "elsewhere", open: answer.open };
    asked = answer.kind === "asked";
  }
  const untilMs = clock.monotonicMs() + OPENING_MS;
  while (asked && clock.monotonicMs() < untilMs) {
    const tunnel = await tunnels.arrival(nodeName, others ? LOOK_AGAIN_MS : OPENING_MS);
    if (tunnel) return { kind: "here", tunnel };
    const answer = await others?.look(nodeName, request, { ask: false });
    if (answer?.kind === "serves") return { kind: "elsewhere", open: answer.open };
  }
  const tunnel = tunnels.get(nodeName);
  return tunnel ? { kind: "here", tunnel } : { kind: "none", asked };
}
