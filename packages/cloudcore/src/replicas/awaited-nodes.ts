import type { Lease } from "@skerry/api";
import { type Clock, counted, describeError, firstFew, type Logger, sleep, toKubernetesMicroTime } from "@skerry/base";
import { isApiError, type KubernetesApi } from "@skerry/kube";
import { type CloudHubPort, REPLICA_ANNOTATION, readLease, sessionLeaseOf } from "../cloudhub/index.ts";
import { AWAITED_AT_MOST_MS, AWAITED_SINCE_ANNOTATION, lastHeardMs } from "../last-heard.ts";
import { withoutManagedFields } from "../managed-fields.ts";
import { onceReachable } from "../once-reachable.ts";
import { listNodeLeases } from "./node-leases.ts";

/** What {@link AwaitedNodes} lives on. */
export interface AwaitedNodesOptions {
  readonly api: KubernetesApi;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Name of this CloudCore among its replicas. */
  readonly replica: string;
  readonly cloudHub: Pick<CloudHubPort, "onSession" | "connectedNodes">;
}

/** A node that has not returned; times are monotonic, so that a clock that is set changes nothing. */
interface AwaitedNode {
  readonly lease: Lease;
  readonly renewedAtMs: number;
  /** From then on it is not awaited any more. */
  readonly untilMs: number;
}

const LOOK_MS = 1_000;
/** A node that returns soon costs nothing here; of thousands the last one's turn still comes well before its lease's end. */
const RENEW_AFTER_MS = 15_000;
/** When for so long none of them has come, those that are left do not come because of this CloudCore. */
const QUIET_MS = 40_000;
/** With the eight requests for the leases of sessions, three quarters of what the API's client does at once. */
const AT_ONCE = 4;

/**
 * The nodes that were connected to this CloudCore when it ended, and have not returned yet. That nothing is heard of them
 * is this CloudCore's own doing, and a large fleet needs more than a lease's 40 s to return: so, for as long as they keep
 * returning, the leases that have not run out are renewed in their names, and no node counts as not ready because it waits
 * for its turn. So it is with a node whose session ends again meanwhile. The leases that another CloudCore holds, or that
 * nobody has renewed for 40 s, are left alone.
 *
 * The price: a node that died while CloudCore was away is found out only when the return is over.
 */
export class AwaitedNodes implements Disposable {
  readonly #options: AwaitedNodesOptions;
  readonly #stopped = new AbortController();
  readonly #subscription: Disposable;
  readonly #awaited = new Map<string, AwaitedNode>();
  /** Nodes whose lease is to be read: to be awaited, it may be. Each is one that was connected, or awaited. */
  readonly #unread = new Set<string>();
  readonly #beganMs: number;
  #lastReturnMs: number;

  constructor(options: AwaitedNodesOptions) {
    this.#options = options;
    this.#beganMs = options.clock.monotonicMs();
    this.#lastReturnMs = this.#beganMs;
    this.#subscription = options.cloudHub.onSession(({ kind, nodeName }) => {
      // The session may have ended before it held its lease.
      if (kind === "closed") this.#unread.add(nodeName);
      else if (this.#forget(nodeName)) this.#lastReturnMs = options.clock.monotonicMs();
    });
    void this.#run();
  }

  /** How many nodes are waited for. */
  get count(): number {
    return this.#awaited.size + this.#unread.size;
  }

  [Symbol.dispose](): void {
    this.#stopped.abort();
    this.#subscription[Symbol.dispose]();
    this.#awaited.clear();
    this.#unread.clear();
  }

  async #run(): Promise<void> {
    const { api, clock, logger } = this.#options;
    const { signal } = this.#stopped;
    try {
      const found = await onceReachable({ clock, signal }, logger, () => listNodeLeases(api, signal));
      for (const lease of found) this.#await(lease);
      this.#lastReturnMs = clock.monotonicMs();
      while (this.count > 0 && !this.#isOver) {
        await this.#forEach([...this.#unread], (name) => this.#read(name));
        await this.#forEach(this.#due(), (node) => this.#renew(node));
        await sleep(clock, LOOK_MS, signal);
      }
    } catch (error) {
      if (!signal.aborted) logger.warn("Leases are not renewed for nodes that return", { error: describeError(error) });
    }
    if (this.count > 0) {
      const nodes = firstFew([...this.#awaited.keys(), ...this.#unread]);
      logger.warn(`${counted(this.count, "node")} did not return after CloudCore's restart`, { nodes });
    }
    this[Symbol.dispose]();
  }

  get #isOver(): boolean {
    const nowMs = this.#options.clock.monotonicMs();
    return nowMs - this.#lastReturnMs >= QUIET_MS || nowMs - this.#beganMs >= AWAITED_AT_MOST_MS;
  }

  #forget(name: string): boolean {
    const wasUnread = this.#unread.delete(name);
    return this.#awaited.delete(name) || wasUnread;
  }

  /** Awaits the lease's node, if it is one of this CloudCore's that is Ready still and may be awaited for longer. */
  #await(lease: Lease): void {
    const { clock, replica, cloudHub } = this.#options;
    const { name, annotations } = lease.metadata;
    if (annotations?.[REPLICA_ANNOTATION] !== replica || cloudHub.connectedNodes.has(name)) return;
    const nowMs = clock.monotonicMs();
    const silentMs = clock.now() - Date.parse(lease.spec?.renewTime ?? "");
    const untilMs = nowMs + AWAITED_AT_MOST_MS - (clock.now() - lastHeardMs(lease));
    if (silentMs < (lease.spec?.leaseDurationSeconds ?? 0) * 1_000 && nowMs < untilMs)
      this.#awaited.set(name, { lease: withoutManagedFields(lease), renewedAtMs: nowMs - silentMs, untilMs });
  }

  /** The oldest first. */
  #due(): readonly AwaitedNode[] {
    const nowMs = this.#options.clock.monotonicMs();
    return [...this.#awaited.values()]
      .filter(({ renewedAtMs }) => nowMs - renewedAtMs >= RENEW_AFTER_MS)
      .sort((left, right) => left.renewedAtMs - right.renewedAtMs);
  }

  async #forEach<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
    const left = items.values();
    const worker = async (): Promise<void> => {
      for (const item of left) await work(item);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  }

  async #read(name: string): Promise<void> {
    try {
      const lease = await readLease(this.#options.api, sessionLeaseOf(name, "cloud"), this.#stopped.signal);
      if (this.#unread.delete(name) && lease) this.#await(lease);
    } catch {
      // It is tried again.
    }
  }

  async #renew(node: AwaitedNode): Promise<void> {
    const { api, clock } = this.#options;
    const { name } = node.lease.metadata;
    if (this.#awaited.get(name) !== node) return;
    const renewedAtMs = clock.monotonicMs();
    if (renewedAtMs >= node.untilMs) {
      this.#awaited.delete(name);
      return;
    }
    try {
      const written = await api.update<Lease>(sessionLeaseOf(name, "cloud"), renewed(node.lease, clock.now()), {
        signal: this.#stopped.signal,
      });
      if (this.#awaited.get(name) === node)
        this.#awaited.set(name, { lease: withoutManagedFields(written), renewedAtMs, untilMs: node.untilMs });
    } catch (error) {
      const isConflict = isApiError(error, "Conflict");
      if (!isConflict && !isApiError(error, "NotFound")) return; // It is tried again.
      // Somebody else holds it now, or a renewal was written whose answer was lost.
      if (this.#awaited.delete(name) && isConflict) this.#unread.add(name);
    }
  }
}

/** The lease, renewed for who awaits its node. */
function renewed(lease: Lease, nowMs: number): Lease {
  const annotations = {
    ...lease.metadata.annotations,
    [AWAITED_SINCE_ANNOTATION]: toKubernetesMicroTime(lastHeardMs(lease)),
  };
  return {
    ...lease,
    metadata: { ...lease.metadata, annotations },
    spec: { ...lease.spec, renewTime: toKubernetesMicroTime(nowMs) },
  };
}
