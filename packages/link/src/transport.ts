import type { Admit } from "./admission-gate.ts";

/** Who the other end is, as proven by its certificate; never taken from a message or header. */
export interface PeerIdentity {
  /** Node name for an edge (`system:node:<name>` in the certificate), or the server's host name. */
  readonly name: string;
  readonly groups: readonly string[];
  /** SHA-256 of the certificate, hex; tells certificates of one node apart. */
  readonly certificateFingerprint: string;
  /** End of the certificate, wall clock in ms; a connection does not outlive it. */
  readonly certificateExpiresAtMs?: number;
}

/** Why a connection is over. */
export interface ConnectionClosed {
  /** WebSocket close code; 1006 when there was none. */
  readonly code: number;
  readonly reason: string;
}

/** What a connection calls back. Nothing is called after `onClose`. */
export interface ConnectionHandlers {
  /** One whole text frame. */
  onFrame(text: string): void;
  /** The peer sent a ping, which the transport answers, or answered one: proof of life. */
  onAlive?(sign?: "ping" | "pong"): void;
  onClose(closed: ConnectionClosed): void;
}

/** Bytes of WebSocket frames as they cross the network; what TLS, TCP and IP add is left out. */
export interface WireSizes {
  /** Of the frame that was sent last. */
  readonly sentBytes: number;
  /** Of the frame that was handed over last. */
  readonly receivedBytes: number;
}

/** One established, authenticated, message-framed connection. Real over WebSocket + TLS, simulated in `sim/`. */
export interface LinkConnection {
  readonly peer: PeerIdentity;
  /** Path of the upgrade's request; empty on the dialling side. */
  readonly requestPath: string;
  /** Lower-cased headers of the other end's half of the upgrade: the request's, or on the dialling side the answer's. */
  readonly headers: Readonly<Record<string, string>>;
  /** Bytes accepted by `send` but not yet handed to the network. */
  readonly bufferedBytes: number;
  /** How large the frames are on the wire; left out where nobody measures, then they count as long as their text. */
  readonly wire?: WireSizes;
  /** Begins calling back. Frames that came before are delivered first, in order. */
  start(handlers: ConnectionHandlers): void;
  /** Queues one text frame; never blocks. After the close it does nothing. */
  send(text: string): void;
  /** Transport-level ping; any sign of life comes back through `onAlive`. */
  ping(): void;
  /** Stops reading from the network until resumed: back-pressure. */
  pause(): void;
  resume(): void;
  close(code: number, reason: string): void;
}

/** Edge side: opens connections to CloudCore. */
export interface LinkDialer {
  /** @throws SkerryError `LINK_DIAL_FAILED` with the reason: refused, unknown certificate, handshake timeout, … */
  dial(url: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<LinkConnection>;
}

/** Cloud side: accepts connections whose client certificate has been verified. */
export interface LinkListener extends AsyncDisposable {
  readonly port: number;
}

/**
 * Starts a listener; real on a TLS port, simulated in `sim/`. Whom `admit` sends away is told so before there is a
 * connection; while `isBusy` none is begun at all. A listener may leave both out.
 */
export type LinkListen = (
  onConnection: (connection: LinkConnection) => void,
  admit: Admit,
  isBusy?: () => boolean,
) => Promise<LinkListener>;
