import { type Clock, sleep } from "@skerry/base";
import type { Multiplexer, TunnelPeer } from "@skerry/streams";
import type { NodeRenewal } from "../cloudhub/index.ts";

export interface CertificateEndOptions {
  readonly tunnel: Pick<Multiplexer, "ended" | "close">;
  readonly peer: TunnelPeer;
  readonly clock: Clock;
}

/** The wall clock may jump, so the time is looked at again at least this often. */
const LOOK_AGAIN_MS = 60_000;

/** Ends a node's tunnel with the certificate that it was opened with, or with the one that followed that. */
export class CertificateEnd {
  readonly #options: CertificateEndOptions;
  /** Wall clock; undefined: never. */
  #expiresAtMs: number | undefined;

  constructor(options: CertificateEndOptions) {
    this.#options = options;
    this.#expiresAtMs = options.peer.certificateExpiresAtMs;
  }

  /** Resolves when the tunnel has ended, for whatever reason. */
  async watch(): Promise<void> {
    const { tunnel, clock } = this.#options;
    while (this.#expiresAtMs !== undefined && !this.isOver() && !tunnel.ended.aborted) {
      const leftMs = this.#expiresAtMs - clock.now() + 1;
      await sleep(clock, Math.min(leftMs, LOOK_AGAIN_MS), tunnel.ended).catch(() => undefined);
    }
  }

  /** Whether the certificate is over; the tunnel is then closed. */
  isOver(): boolean {
    const { tunnel, clock } = this.#options;
    if (this.#expiresAtMs === undefined || clock.now() <= this.#expiresAtMs) return false;
    tunnel.close("the certificate that the tunnel was opened with has expired");
    return true;
  }

  noteRenewal({ oldFingerprint, notAfterMs }: NodeRenewal): void {
    if (this.#options.peer.certificateFingerprint === oldFingerprint) this.#expiresAtMs = notAfterMs;
  }
}
