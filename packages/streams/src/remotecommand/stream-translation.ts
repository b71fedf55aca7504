import { PORT_FORWARD_SPDY_VERSION } from "./port-forward-bridge.ts";
import { REMOTE_COMMAND_SPDY_VERSION, REMOTE_COMMAND_V5, type RemoteCommandStreams } from "./remote-command-bridge.ts";

/** WebSocket's protocol in whose messages kubectl carries port-forward's SPDY connection. */
const PORT_FORWARD_TUNNEL = "SPDY/3.1+portforward.k8s.io";

/** How a client's WebSocket becomes the SPDY/3.1 connection that nodes speak. */
export interface StreamTranslation {
  /** What the client is answered in `Sec-WebSocket-Protocol`. */
  readonly protocol: string;
  /** What the node is asked for in `X-Stream-Protocol-Version`. */
  readonly spdyVersion: string;
  /** Of exec and attach; left out: messages are SPDY's own bytes. */
  readonly remoteCommand?: RemoteCommandStreams;
}

/**
 * The translation for an upgrade; undefined for one that goes to the node as it is.
 * @param path of the kubelet's streaming API
 * @param query of that path
 * @param offered the client's `Sec-WebSocket-Protocol`
 */
export function translationOf(path: string, query: string, offered: string): StreamTranslation | undefined {
  const protocols = offered.split(",").map((each) => each.trim());
  if (path.startsWith("/portForward/"))
    return protocols.includes(PORT_FORWARD_TUNNEL)
      ? { protocol: PORT_FORWARD_TUNNEL, spdyVersion: PORT_FORWARD_SPDY_VERSION }
      : undefined;
  if (!protocols.includes(REMOTE_COMMAND_V5)) return undefined;
  const asked = new URLSearchParams(query);
  const remoteCommand: RemoteCommandStreams = {
    stdin: asked.get("input") === "1",
    stdout: asked.get("output") === "1",
    stderr: asked.get("error") === "1",
    tty: asked.get("tty") === "1",
  };
  return { protocol: REMOTE_COMMAND_V5, spdyVersion: REMOTE_COMMAND_SPDY_VERSION, remoteCommand };
}
