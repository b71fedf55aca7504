import { apiVersionOf, type Lease, leases, nodes } from "@skerry/api";
import {
  type Clock,
  type ConcurrencyLimit,
  describeError,
  type Logger,
  Mutex,
  sleep,
  toKubernetesMicroTime,
} from "@skerry/base";
import { isApiError, type KubernetesApi } from "@skerry/kube";
import { AWAITED_SINCE_ANNOTATION } from "../last-heard.ts";
import { withoutManagedFields } from "../managed-fields.ts";
import { SYSTEM_NAMESPACE } from "./credentials/secrets.ts";
import { REPLICA_ANNOTATION } from "./node-annotation.ts";

/** What a {@link SessionLease} lives on. */
export interface SessionLeaseOptions {
  readonly nodeName: string;
  /** Name of this CloudCore among its replicas. */
  readonly replica: string;
  /** Who renews the node's own lease; where the node does, the session is kept on a lease beside it. */
  readonly renewedBy: "cloud" | "edge";
  readonly api: KubernetesApi;
  /**
   * Shared by all sessions. An answer counts from when it was asked for, so asking waits here and not in the API's client:
   * else, once so many ask that answers take longer than they count, no session could write any more.
   */
  readonly asking: ConcurrencyLimit;
  /** How long a lease is left alone that has just been renewed. */
  readonly renewMs: () => number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A newer session of the node exists at another CloudCore, or its Node was deleted: this session must end. */
  readonly onOver: (reason: string) => void;
}

/** Whether a session may write what its node says; `unknown`: the API server could not be asked. */
export type WriteVerdict = "live" | "over" | "unknown";

/** Where a lease is. */
export interface LeaseTarget {
  readonly resource: typeof leases;
  readonly namespace: string;
  readonly name: string;
}

/** A session that is not kept on the node's own lease is kept on one of this name, with the node's behind it. */
export const SESSION_LEASE_PREFIX = "session.";
/** Namespace of the nodes' own leases. */
const NODE_LEASES = "kube-node-lease";
/** The kubelet's pause. A lease is good for four of these. */
const SHORTEST_RENEW_MS = 10_000;
/** So that one renewal may be lost. */
const LONGEST_RENEW_MS = 20_000;
/** Renewals a second that a CloudCore needs not to exceed while {@link LONGEST_RENEW_MS} allows. */
const RENEWALS_PER_SECOND = 100;
const RETRY_MS = 2_000;
/** A node that is not registered: its own messages ask as well, so the pauses grow to this. */
const LONGEST_ABSENCE_MS = 10_000;
const CONFLICT_TRIES = 3;
/** As the kubelet's. */
const DURATION_SECONDS = 40;
/** For so long after the API server has confirmed the epoch a session writes without asking again. */
const CONFIRMED_FOR_MS = 1_000;
/** A session that takes a node over from another CloudCore writes nothing before the older one surely does no more. */
const TAKE_OVER_MS = CONFIRMED_FOR_MS + 500;

/**
 * Pause between two renewals of one lease when so many sessions' are renewed: they are most of what an idle fleet costs. While
 * requests wait, what there is to do comes first.
 */
export function renewalPauseMs(sessions: number, waitingRequests: number): number {
  if (waitingRequests > 0) return LONGEST_RENEW_MS;
  return Math.min(LONGEST_RENEW_MS, Math.max(SHORTEST_RENEW_MS, (1_000 * sessions) / RENEWALS_PER_SECOND));
}

/**
 * A session's hold on its node, kept on a lease. The session's epoch is in `leaseTransitions`: each session
 * takes the next one by compare-and-swap when it opens, notes its CloudCore beside it, and ends itself when it finds
 * another's there. What the node says is written only while the epoch is confirmed ({@link verdict}), so that what an
 * older session at another CloudCore still had in hand cannot undo what the newer one has written.
 *
 * With Skerry's delivery it is the node's own lease, and renewed here, so that an idle node need not do it over the link.
 * A node that renews its lease itself would meet a conflict for each session of it, so that one is left alone.
 */
export class SessionLease implements Disposable {
  readonly #options: SessionLeaseOptions;
  readonly #stopped = new AbortController();
  readonly #turn = new Mutex();
  /** Without its managed fields, which the API server keeps when an update has none; each session holds one. */
  #lease: Lease | undefined;
  #epoch: number | undefined;
  #nodeSeen = false;
  #absenceMs = RETRY_MS / 2;
  #told = false;
  #takesOver = false;
  /** Monotonic, before the request that was answered. */
  #confirmedAtMs = Number.NEGATIVE_INFINITY;
  /** The same, of the last renewal. */
  #renewedAtMs = Number.NEGATIVE_INFINITY;
  #writesFromMs = Number.NEGATIVE_INFINITY;

  constructor(options: SessionLeaseOptions) {
    this.#options = options;
    void this.#run();
  }

  /** The session's epoch; undefined until the API has answered, and while there is no lease to keep it on. */
  get epoch(): number | undefined {
    return this.#epoch;
  }

  /** Whether what the node says may be written now. */
  async verdict(): Promise<WriteVerdict> {
    const { clock } = this.#options;
    const { signal } = this.#stopped;
    if (!this.#isConfirmed) await this.#inTurn(async () => void (this.#isConfirmed || (await this.#attempt(false))));
    const waitMs = this.#writesFromMs - clock.monotonicMs();
    if (waitMs > 0 && !signal.aborted) {
      await sleep(clock, waitMs, signal).catch(() => undefined);
      return this.verdict();
    }
    if (signal.aborted) return "over";
    return this.#isConfirmed ? "live" : "unknown";
  }

  [Symbol.dispose](): void {
    this.#stopped.abort();
  }

  get #isConfirmed(): boolean {
    return this.#stopped.signal.aborted || this.#options.clock.monotonicMs() - this.#confirmedAtMs < CONFIRMED_FOR_MS;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      const pauseMs = await this.#inTurn(() => this.#attempt(true));
      let waitMs = pauseMs;
      while (waitMs > 0 && !signal.aborted) {
        await sleep(this.#options.clock, waitMs, signal).catch(() => undefined);
        // A confirmation may have renewed the lease meanwhile.
        waitMs = pauseMs - this.#sinceRenewalMs;
      }
    }
  }

  /** A lease that is halfway to its end, or not this session's yet, goes before others' confirmations. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const isUrgent = this.#options.renewedBy === "cloud" && this.#sinceRenewalMs >= LONGEST_RENEW_MS;
    return this.#turn.run(() => this.#options.asking.run(work, isUrgent));
  }

  get #sinceRenewalMs(): number {
    return this.#options.clock.monotonicMs() - this.#renewedAtMs;
  }

  /** Takes, confirms or renews the epoch; returns how long to wait before the next renewal. Does not throw. */
  async #attempt(isRenewal: boolean): Promise<number> {
    const { clock, logger, nodeName, renewedBy } = this.#options;
    const { signal } = this.#stopped;
    for (let tries = 1; !signal.aborted; tries++) {
      const askedAtMs = clock.monotonicMs();
      // To renew confirms as well: where a renewal is near, one request does for both.
      const renew = renewedBy === "cloud" && (isRenewal || this.#sinceRenewalMs >= SHORTEST_RENEW_MS);
      try {
        const pauseMs = await this.#hold(renew, signal);
        this.#confirmedAtMs = askedAtMs;
        this.#told = false;
        return pauseMs;
      } catch (error) {
        this.#lease = undefined;
        // Another writer, or the end of the lease with its Node; it is settled by the next try.
        const isChanged = isApiError(error, "Conflict") || isApiError(error, "NotFound");
        if (isChanged && tries < CONFLICT_TRIES) continue;
        if (!signal.aborted && !this.#told) {
          this.#told = true;
          logger.warn("A node's lease cannot be kept; trying again", { node: nodeName, error: describeError(error) });
        }
        return RETRY_MS;
      }
    }
    return RETRY_MS;
  }

  async #hold(renew: boolean, signal: AbortSignal): Promise<number> {
    const { api, clock, nodeName, replica, renewedBy } = this.#options;
    const target = sessionLeaseOf(nodeName, renewedBy);
    if (!renew || this.#epoch === undefined) this.#lease = undefined;
    this.#lease ??= await readLease(api, target, signal);
    const lease = this.#lease;
    if (!lease) return this.#create(signal);
    const latest = lease.spec?.leaseTransitions ?? 0;
    const holder = lease.metadata.annotations?.[REPLICA_ANNOTATION];
    if (this.#epoch !== undefined && (latest > this.#epoch || (holder !== undefined && holder !== replica))) {
      this.#over("a newer session of this node is open at another CloudCore");
      return this.#options.renewMs();
    }
    if (this.#epoch !== undefined && !renew) return this.#options.renewMs();
    // Kept over failed tries: one of them may have been written all the same.
    this.#takesOver ||= holder !== undefined && holder !== replica;
    const epoch = this.#epoch ?? latest + 1;
    const askedAtMs = clock.monotonicMs();
    this.#lease = withoutManagedFields(await api.update<Lease>(target, this.#held(lease, epoch), { signal }));
    if (this.#epoch === undefined && this.#takesOver) this.#writesFromMs = clock.monotonicMs() + TAKE_OVER_MS;
    this.#epoch = epoch;
    this.#renewedAtMs = askedAtMs;
    return this.#options.renewMs();
  }

  /** A lease belongs to its Node: it ends with it, and is not made before it. */
  async #create(signal: AbortSignal): Promise<number> {
    const { api, clock, nodeName, renewedBy } = this.#options;
    const node = await found(api.get({ resource: nodes, name: nodeName }, signal));
    if (!node) {
      if (this.#nodeSeen) this.#over("its Node object was deleted");
      this.#absenceMs = Math.min(LONGEST_ABSENCE_MS, this.#absenceMs * 2);
      return this.#absenceMs;
    }
    this.#nodeSeen = true;
    const epoch = this.#epoch ?? 1;
    const { name, namespace } = sessionLeaseOf(nodeName, renewedBy);
    const owner = { apiVersion: "v1", kind: "Node", name: nodeName, uid: node.metadata.uid ?? "" };
    const lease: Lease = {
      apiVersion: apiVersionOf(leases),
      kind: leases.kind,
      metadata: { name, namespace, ownerReferences: [owner] },
    };
    const at = { resource: leases, namespace };
    const askedAtMs = clock.monotonicMs();
    this.#lease = withoutManagedFields(await api.create<Lease>(at, this.#held(lease, epoch), { signal }));
    this.#epoch = epoch;
    this.#renewedAtMs = askedAtMs;
    return this.#options.renewMs();
  }

  /** The lease as this session holds it. */
  #held(lease: Lease, epoch: number): Lease {
    const { clock, nodeName, replica, renewedBy } = this.#options;
    const renewal =
      renewedBy === "cloud"
        ? { leaseDurationSeconds: DURATION_SECONDS, renewTime: toKubernetesMicroTime(clock.now()) }
        : {};
    const { [AWAITED_SINCE_ANNOTATION]: _, ...annotations } = lease.metadata.annotations ?? {};
    return {
      ...lease,
      metadata: { ...lease.metadata, annotations: { ...annotations, [REPLICA_ANNOTATION]: replica } },
      spec: { ...lease.spec, ...renewal, holderIdentity: nodeName, leaseTransitions: epoch },
    };
  }

  #over(reason: string): void {
    this.#stopped.abort();
    this.#options.onOver(reason);
  }
}

/** The lease that a node's session is kept on. */
export function sessionLeaseOf(nodeName: string, renewedBy: SessionLeaseOptions["renewedBy"]): LeaseTarget {
  return renewedBy === "cloud"
    ? { resource: leases, namespace: NODE_LEASES, name: nodeName }
    : { resource: leases, namespace: SYSTEM_NAMESPACE, name: `${SESSION_LEASE_PREFIX}${nodeName}` };
}

/** The lease; undefined when there is none. @throws ApiError */
export function readLease(api: KubernetesApi, target: LeaseTarget, signal?: AbortSignal): Promise<Lease | undefined> {
  return found(api.get<Lease>(target, signal));
}

/** The object, or undefined when there is none. */
async function found<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (isApiError(error, "NotFound")) return undefined;
    throw error;
  }
}
