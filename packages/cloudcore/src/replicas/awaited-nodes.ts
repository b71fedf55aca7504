import { type Lease, leases } from "@skerry/api";
import { type Clock, counted, describeError, firstFew, type Logger, sleep, toKubernetesMicroTime } from "@skerry/base";
import { isApiError, type KubernetesApi } from "@skerry/kube";
import { type CloudHubPort, REPLICA_ANNOTATION } from "../cloudhub/index.ts";
import { withoutManagedFields } from "../managed-fields.ts";
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

const LOOK_MS = 1_000;
/** A node that returns soon costs nothing here; of thousands the last one's turn still comes well before its lease's end. */
const RENEW_AFTER_MS = 15_000;
/** When for so long none of them has come, those that are left do not come because of this CloudCore. */
const QUIET_MS = 40_000;
/** Whatever happens, nobody is waited for longer. */
const LONGEST_MS = 5 * 60_000;
/** Half of what the API's client does at once. */
const AT_ONCE = 8;

/**
 * The nodes that were connected to this CloudCore when it ended, and have not returned yet. That nothing is heard of them
 * is this CloudCore's own doing, and a large fleet needs more than a lease's 40 s to return: so, for as long as they keep
 * returning, the leases that have not run out are renewed in their names, and no node counts as not ready because it waits
 * for its turn. The leases that another CloudCore holds, or that nobody has renewed for 40 s, are left alone.
 *
 * The price: a node that died while CloudCore was away is found out only when the return is over.
 */
export class AwaitedNodes implements Disposable {
  readonly #options: AwaitedNodesOptions;
  readonly #stopped = new AbortController();
  readonly #subscription: Disposable;
  readonly #awaited = new Map<string, Lease>();
  readonly #beganMs: number;
  #lastReturnMs: number;

  constructor(options: AwaitedNodesOptions) {
    this.#options = options;
    this.#beganMs = options.clock.monotonicMs();
    this.#lastReturnMs = this.#beganMs;
    this.#subscription = options.cloudHub.onSession(({ kind, nodeName }) => {
      if (kind === "opened" && this.#awaited.delete(nodeName)) this.#lastReturnMs = options.clock.monotonicMs();
    });
    void this.#run();
  }

  /** How many nodes are waited for. */
  get count(): number {
    return this.#awaited.size;
  }

  [Symbol.dispose](): void {
    this.#stopped.abort();
    this.#subscription[Symbol.dispose]();
    this.#awaited.clear();
  }

  async #run(): Promise<void> {
    const { clock, logger } = this.#options;
    const { signal } = this.#stopped;
    try {
      await this.#find();
      while (this.#awaited.size > 0 && !this.#isOver) {
        await this.#renewDue();
        await sleep(clock, LOOK_MS, signal);
      }
    } catch (error) {
      if (!signal.aborted) logger.warn("Leases are not renewed for nodes that return", { error: describeError(error) });
    }
    if (this.#awaited.size > 0) {
      const nodes = firstFew([...this.#awaited.keys()]);
      logger.warn(`${counted(this.#awaited.size, "node")} did not return after CloudCore's restart`, { nodes });
    }
    this[Symbol.dispose]();
  }

  get #isOver(): boolean {
    const nowMs = this.#options.clock.monotonicMs();
    return nowMs - this.#lastReturnMs >= QUIET_MS || nowMs - this.#beganMs >= LONGEST_MS;
  }

  /** @throws ApiError */
  async #find(): Promise<void> {
    const { api, clock, replica, cloudHub } = this.#options;
    const found = await listNodeLeases(api, this.#stopped.signal);
    const connected = cloudHub.connectedNodes;
    for (const lease of found) {
      const { name, annotations } = lease.metadata;
      const lastsMs = (lease.spec?.leaseDurationSeconds ?? 0) * 1_000;
      const isMine = annotations?.[REPLICA_ANNOTATION] === replica && !connected.has(name);
      if (isMine && silentForMs(lease, clock) < lastsMs) this.#awaited.set(name, withoutManagedFields(lease));
    }
  }

  /** The oldest first. */
  async #renewDue(): Promise<void> {
    const { clock } = this.#options;
    const due = [...this.#awaited.values()]
      .filter((lease) => silentForMs(lease, clock) >= RENEW_AFTER_MS)
      .sort((left, right) => renewedAtMs(left) - renewedAtMs(right));
    const work = async (): Promise<void> => {
      for (let lease = due.shift(); lease; lease = due.shift()) {
        if (this.#awaited.get(lease.metadata.name) === lease) await this.#renew(lease);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  }

  async #renew(lease: Lease): Promise<void> {
    const { api, clock } = this.#options;
    const { name, namespace = "" } = lease.metadata;
    const renewed: Lease = { ...lease, spec: { ...lease.spec, renewTime: toKubernetesMicroTime(clock.now()) } };
    try {
      const written = await api.update<Lease>({ resource: leases, namespace, name }, renewed, {
        signal: this.#stopped.signal,
      });
      if (this.#awaited.has(name)) this.#awaited.set(name, withoutManagedFields(written));
    } catch (error) {
      // Somebody else holds it now, or the node is gone. After anything else it is tried again.
      if (isApiError(error, "Conflict") || isApiError(error, "NotFound")) this.#awaited.delete(name);
    }
  }
}

function renewedAtMs({ spec }: Lease): number {
  return Date.parse(spec?.renewTime ?? "");
}

function silentForMs(lease: Lease, clock: Clock): number {
  return clock.now() - renewedAtMs(lease);
}
