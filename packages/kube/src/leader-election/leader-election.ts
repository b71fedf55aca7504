import type { Lease } from "@skerry/api";

/** The times of an election, as client-go has them; each shorter than the one before. */
export interface LeaderElectionTimes {
  /** How long others wait after they last saw the leader renew. */
  readonly leaseDurationMs: number;
  /** How long the leader counts itself as one after it last renewed. */
  readonly renewDeadlineMs: number;
  /** From one try to the next. */
  readonly retryPeriodMs: number;
}

/** What to do about the lease that was read. */
export type LeaderElectionStep =
  /** Another one leads. */
  | { readonly kind: "wait" }
  /** To be written by compare-and-swap: created where there is no lease. */
  | { readonly kind: "write"; readonly spec: NonNullable<Lease["spec"]> };

/**
 * Election of a leader by a Lease, with client-go's rules: whoever renews the lease leads; others take it when they have
 * not seen it change for its duration, by their own clock, so that clocks may differ between machines. A pure state
 * machine: the caller reads, writes and says what time it is. All times are monotonic, but those written.
 */
export class LeaderElection {
  readonly #identity: string;
  readonly #times: LeaderElectionTimes;
  #seen: { readonly version: string; readonly atMs: number } | undefined;
  #ledFromMs = Number.NEGATIVE_INFINITY;

  constructor(identity: string, times: LeaderElectionTimes) {
    this.#identity = identity;
    this.#times = times;
  }

  /** Whether this one leads: it renewed the lease within the deadline, and nobody else can have taken it yet. */
  leads(nowMs: number): boolean {
    return nowMs - this.#ledFromMs < this.#times.renewDeadlineMs;
  }

  /**
   * Decides by the lease that was read.
   * @param now wall clock as Kubernetes' MicroTime, for what is written
   */
  decide(lease: Lease | undefined, nowMs: number, now: string): LeaderElectionStep {
    const version = lease?.metadata.resourceVersion ?? "";
    if (this.#seen?.version !== version) this.#seen = { version, atMs: nowMs };
    const before = lease?.spec;
    const holder = before?.holderIdentity ?? "";
    const isOwn = holder === this.#identity;
    const isTaken = holder !== "" && !isOwn;
    if (isTaken && nowMs - this.#seen.atMs < this.#times.leaseDurationMs) {
      this.#ledFromMs = Number.NEGATIVE_INFINITY;
      return { kind: "wait" };
    }
    return {
      kind: "write",
      spec: {
        holderIdentity: this.#identity,
        leaseDurationSeconds: Math.ceil(this.#times.leaseDurationMs / 1000),
        acquireTime: (isOwn ? before?.acquireTime : undefined) ?? now,
        renewTime: now,
        leaseTransitions: (before?.leaseTransitions ?? 0) + (isOwn || !before ? 0 : 1),
      },
    };
  }

  /**
   * The lease was written as decided.
   * @param askedAtMs the time before the write was sent: the lease is that old at most
   */
  written(lease: Lease, askedAtMs: number, nowMs: number): void {
    this.#seen = { version: lease.metadata.resourceVersion ?? "", atMs: nowMs };
    this.#ledFromMs = askedAtMs;
  }
}
