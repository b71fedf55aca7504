import type { LivenessVerdict } from "../liveness.ts";
import type { PeerLiveness } from "../session-delivery.ts";

/** How often a peer is pinged. */
export interface AdaptiveLivenessOptions {
  /** After so long without a sign of life it is pinged, while there is traffic. */
  readonly busyPeriodMs: number;
  /** The same on an idle link, where each ping would be most of the traffic. */
  readonly idlePeriodMs: number;
  /** Without a message in either direction for so long the link is idle. */
  readonly idleAfterMs: number;
  /** A ping must be followed by a sign of life within this time. */
  readonly pingTimeoutMs: number;
}

/**
 * The edge asks; its ping tells the cloud as well. A ping and its answer are about 210 bytes of IP traffic: a day of them
 * one megabyte. What a node sends without need, its status and what it holds, comes twice in five minutes: so the busy time
 * after a message is short, or no link would ever be idle.
 */
export const EDGE_LIVENESS: AdaptiveLivenessOptions = {
  busyPeriodMs: 5_000,
  idlePeriodMs: 20_000,
  idleAfterMs: 15_000,
  pingTimeoutMs: 5_000,
};

/**
 * The cloud asks itself only when the edge's ping fails to come, and has more patience: a busy node that is cut off costs
 * it a handshake and more, a dead one nothing but the place of its session. Together less than a node's lease is good for.
 */
export const CLOUD_LIVENESS: AdaptiveLivenessOptions = {
  ...EDGE_LIVENESS,
  busyPeriodMs: 6_000,
  idlePeriodMs: 26_000,
  pingTimeoutMs: 10_000,
  // Sooner than at the edge, so that the cloud does not go on expecting pings of the busy period.
  idleAfterMs: 10_000,
};

/** The peer is shown life so often while it is not read: twice within the shortest time that a ping may go unanswered. */
const SHOW_LIFE_MS = 2_500;
/** A handler that stops the reading for longer is stuck: the peer must find that out, by getting no answer any more. */
const SHOW_LIFE_FOR_MS = 2 * 60_000;

/**
 * Watches one peer; pure. A half-open connection is found within a period and `pingTimeoutMs`. While this side does not
 * read, the peer gets no answer to its pings: unasked ones tell it that this side lives, for two minutes.
 */
export class AdaptiveLiveness implements PeerLiveness {
  readonly #options: AdaptiveLivenessOptions;
  #lastTrafficMs: number;
  #lastAliveMs: number;
  #pingedMs: number | undefined;
  /** When the peer was last shown life. */
  #shownMs: number;
  /** Since when this side does not read. */
  #suspendedMs: number | undefined;

  constructor(options: AdaptiveLivenessOptions, nowMs: number) {
    this.#options = options;
    this.#lastTrafficMs = nowMs;
    this.#lastAliveMs = nowMs;
    this.#shownMs = nowMs;
  }

  sent(nowMs: number): void {
    this.#lastTrafficMs = nowMs;
    this.#shownMs = nowMs;
  }

  received(nowMs: number): void {
    this.#lastTrafficMs = nowMs;
    this.alive(nowMs);
  }

  alive(nowMs: number): void {
    this.#lastAliveMs = nowMs;
    this.#pingedMs = undefined;
  }

  suspend(suspended: boolean, nowMs: number): void {
    this.#suspendedMs = suspended ? (this.#suspendedMs ?? nowMs) : undefined;
    // Reading stops because much has come.
    this.received(nowMs);
  }

  /**
   * A message on an idle link moves it earlier; {@link AdaptiveLivenessOptions.busyPeriodMs} after the message is soon
   * enough. All else but {@link suspend} moves it later only.
   */
  get nextCheckAtMs(): number | undefined {
    if (this.#suspendedMs !== undefined) {
      const dueMs = this.#shownMs + SHOW_LIFE_MS;
      return dueMs <= this.#suspendedMs + SHOW_LIFE_FOR_MS ? dueMs : undefined;
    }
    const { busyPeriodMs, idlePeriodMs, idleAfterMs, pingTimeoutMs } = this.#options;
    if (this.#pingedMs !== undefined) return this.#pingedMs + pingTimeoutMs;
    const busyDueMs = this.#lastAliveMs + busyPeriodMs;
    return busyDueMs < this.#lastTrafficMs + idleAfterMs ? busyDueMs : this.#lastAliveMs + idlePeriodMs;
  }

  check(nowMs: number): LivenessVerdict {
    const dueMs = this.nextCheckAtMs;
    if (dueMs === undefined || nowMs < dueMs) return { kind: "fine" };
    if (this.#suspendedMs === undefined) {
      if (this.#pingedMs !== undefined)
        return { kind: "dead", reason: `no answer to a ping for ${this.#options.pingTimeoutMs / 1000} s` };
      this.#pingedMs = nowMs;
    }
    this.#shownMs = nowMs;
    return { kind: "ping" };
  }
}
