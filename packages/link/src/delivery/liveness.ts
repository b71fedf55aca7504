import type { PeerLiveness } from "./session-delivery.ts";

/** When silence becomes suspicious, and when fatal. */
export interface LivenessOptions {
  /** Without a message for so long the peer counts as dead, whatever its transport answers. */
  readonly messageTimeoutMs: number;
  /** After so long without any sign of life the peer is pinged. */
  readonly pingAfterMs: number;
  /** A ping must be followed by a sign of life within this time. */
  readonly pingTimeoutMs: number;
}

/** What to do about the peer's silence. */
export type LivenessVerdict =
  | { readonly kind: "fine" }
  | { readonly kind: "ping" }
  | { readonly kind: "dead"; readonly reason: string };

/** Watches one peer by its messages and pings, as KubeEdge does; pure. A half-open connection is found within `pingAfterMs + pingTimeoutMs`. */
export class Liveness implements PeerLiveness {
  readonly #options: LivenessOptions;
  #lastMessageMs: number;
  #lastAliveMs: number;
  #pingedMs: number | undefined;
  #suspended = false;

  constructor(options: LivenessOptions, nowMs: number) {
    this.#options = options;
    this.#lastMessageMs = nowMs;
    this.#lastAliveMs = nowMs;
  }

  /** What this side sends proves nothing. */
  sent(): void {}

  received(nowMs: number): void {
    this.#lastMessageMs = nowMs;
    this.alive(nowMs);
  }

  alive(nowMs: number): void {
    this.#lastAliveMs = nowMs;
    this.#pingedMs = undefined;
  }

  suspend(suspended: boolean, nowMs: number): void {
    this.#suspended = suspended;
    if (!suspended) this.received(nowMs);
  }

  get nextCheckAtMs(): number | undefined {
    if (this.#suspended) return undefined;
    const { messageTimeoutMs, pingAfterMs, pingTimeoutMs } = this.#options;
    const pingDueMs = this.#pingedMs === undefined ? this.#lastAliveMs + pingAfterMs : this.#pingedMs + pingTimeoutMs;
    return Math.min(this.#lastMessageMs + messageTimeoutMs, pingDueMs);
  }

  /** Compares with the very sums of {@link nextCheckAtMs}: a rounded difference could call a check due for ever. */
  check(nowMs: number): LivenessVerdict {
    if (this.#suspended) return { kind: "fine" };
    const { messageTimeoutMs, pingAfterMs, pingTimeoutMs } = this.#options;
    if (nowMs >= this.#lastMessageMs + messageTimeoutMs)
      return { kind: "dead", reason: `no message for ${seconds(messageTimeoutMs)}` };
    if (this.#pingedMs !== undefined) {
      if (nowMs < this.#pingedMs + pingTimeoutMs) return { kind: "fine" };
      return { kind: "dead", reason: `no answer to a ping for ${seconds(pingTimeoutMs)}` };
    }
    if (nowMs < this.#lastAliveMs + pingAfterMs) return { kind: "fine" };
    this.#pingedMs = nowMs;
    return { kind: "ping" };
  }
}

function seconds(durationMs: number): string {
  return `${durationMs / 1000} s`;
}
