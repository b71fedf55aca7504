/** What a tunnel's connection calls back. Nothing is called after `onClose`. */
export interface FrameHandlers {
  onFrame(bytes: Uint8Array): void;
  /** The peer answered a ping, or sent one: proof of life. */
  onAlive(): void;
  /** Less is waiting to be sent than {@link FrameConnection.bufferedBytes} may be. */
  onDrain(): void;
  onClose(reason: string): void;
}

/** One established connection of a tunnel whose peer is proven. */
export interface FrameConnection {
  /** Whether both sides said that they are Skerry: windows, port-forward, an HTTP head before logs. */
  readonly speaksSkerry: boolean;
  /** Bytes accepted by `send` but not yet handed to the network. */
  readonly bufferedBytes: number;
  /** Begins calling back. Frames that came before are delivered first, in order. */
  start(handlers: FrameHandlers): void;
  send(bytes: Uint8Array): void;
  ping(): void;
  close(reason: string): void;
}

/** The node at the other end of a tunnel, as its certificate has proven it. */
export interface TunnelPeer {
  readonly name: string;
  /** SHA-256 of the certificate, hex. */
  readonly certificateFingerprint: string;
  /** End of the certificate, wall clock in ms; a tunnel does not outlive it. */
  readonly certificateExpiresAtMs?: number;
}

/** A connection that an edge node made. */
export interface AcceptedTunnel {
  readonly connection: FrameConnection;
  readonly peer: TunnelPeer;
  /** The node opened it because it was asked to, and will again: it need not be kept. */
  readonly onDemand?: boolean;
}

/** Edge side: opens tunnels to CloudCore. */
export interface TunnelDialer {
  /** @throws SkerryError `STREAMS_DIAL_FAILED` */
  dial(url: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<FrameConnection>;
}

/** Path of the upgrade (security.md 11.3). */
export const TUNNEL_PATH = "/v1/kubeedge/connect";
/** Header with which both sides of the upgrade say that they are Skerry, and in which version. */
export const SKERRY_STREAMS_HEADER = "skerry-streams";
/** Its value. */
export const SKERRY_STREAMS_VERSION = "1";
/** Header of KubeEdge's edge with its node's name; must agree with the certificate. */
export const NODE_NAME_HEADER = "sessionhostnameoverride";
