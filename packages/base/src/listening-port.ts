/** What a listening port has seen, since it was opened. */
export interface ConnectionCounters {
  readonly accepted: number;
  /** Open now. */
  readonly open: number;
  /** Refused because the port has as many connections as allowed. */
  readonly refusedFull: number;
  /** Refused because one address had too many connections that had not proven who they are. */
  readonly refusedAddress: number;
  /** Closed before their handshake because there was no room for another client. */
  readonly refusedBusy: number;
  /** Handshakes that failed: no TLS, no or a foreign certificate, another version. */
  readonly failedHandshakes: number;
  /** Handshakes that went on from an earlier one, which costs a fraction. */
  readonly resumed: number;
  /** Cut off because a handshake, a header or a request took too long. */
  readonly timedOut: number;
  /** Cut off because of what they sent: no HTTP, or a header beyond the limit. */
  readonly malformed: number;
}

/** An open port; disposing closes it and ends its connections. */
export interface ListeningPort extends AsyncDisposable {
  readonly port: number;
  readonly counters: ConnectionCounters;
}

/** The oldest TLS that a port speaks. */
export type MinimumTlsVersion = "TLSv1.2" | "TLSv1.3";
