import { apiVersionOf, type Lease, leases, nodes } from "@skerry/api";
import { type Clock, describeError, type Logger, sleep, toKubernetesMicroTime } from "@skerry/base";
import { isApiError, type KubernetesApi } from "@skerry/kube";

/** What a {@link SessionLease} lives on. */
export interface SessionLeaseOptions {
  readonly nodeName: string;
  readonly api: KubernetesApi;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A newer session of the node exists at another CloudCore, or its Node was deleted: this session must end. */
  readonly onOver: (reason: string) => void;
}

const NAMESPACE = "kube-node-lease";
const RENEW_MS = 10_000;
const RETRY_MS = 2_000;
/** As the kubelet's. */
const DURATION_SECONDS = 40;

/**
 * Renews a node's lease as long as its session lives, so that an idle node need not do it over the link. The lease also
 * carries the session's epoch, in `leaseTransitions`: each session takes the next one by compare-and-swap when it opens,
 * and one that finds a higher epoch than its own ends itself.
 */
export class SessionLease implements Disposable {
  readonly #options: SessionLeaseOptions;
  readonly #stopped = new AbortController();
  #lease: Lease | undefined;
  #epoch: number | undefined;
  #nodeSeen = false;
  #told = false;

  constructor(options: SessionLeaseOptions) {
    this.#options = options;
    void this.#run();
  }

  /** The session's epoch; undefined until the API has answered. */
  get epoch(): number | undefined {
    return this.#epoch;
  }

  [Symbol.dispose](): void {
    this.#stopped.abort();
  }

  async #run(): Promise<void> {
    const { clock, logger, nodeName } = this.#options;
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      let pauseMs = RETRY_MS;
      try {
        pauseMs = await this.#renew(signal);
        this.#told = false;
      } catch (error) {
        this.#lease = undefined;
        // A conflict is another writer, and is settled by the next try.
        if (!signal.aborted && !this.#told && !isApiError(error, "Conflict")) {
          this.#told = true;
          logger.warn("A node's lease cannot be renewed; trying again", {
            node: nodeName,
            error: describeError(error),
          });
        }
      }
      if (!signal.aborted) await sleep(clock, pauseMs, signal).catch(() => undefined);
    }
  }

  /** Returns how long to wait before the next renewal. */
  async #renew(signal: AbortSignal): Promise<number> {
    const { api, nodeName } = this.#options;
    this.#lease ??= await found(api.get<Lease>({ resource: leases, namespace: NAMESPACE, name: nodeName }, signal));
    const lease = this.#lease;
    if (!lease) return this.#create(signal);
    const latest = lease.spec?.leaseTransitions ?? 0;
    if (this.#epoch !== undefined && latest > this.#epoch) {
      this.#over("a newer session of this node is open at another CloudCore");
      return RENEW_MS;
    }
    const epoch = this.#epoch ?? latest + 1;
    const target = { resource: leases, namespace: NAMESPACE, name: nodeName };
    this.#lease = await api.update<Lease>(
      target,
      { ...lease, spec: { ...lease.spec, ...this.#spec(epoch) } },
      { signal },
    );
    this.#epoch = epoch;
    return RENEW_MS;
  }

  /** A lease belongs to its Node: it ends with it, and is not made before it. */
  async #create(signal: AbortSignal): Promise<number> {
    const { api, nodeName } = this.#options;
    const node = await found(api.get({ resource: nodes, name: nodeName }, signal));
    if (!node) {
      if (this.#nodeSeen) this.#over("its Node object was deleted");
      return RETRY_MS;
    }
    this.#nodeSeen = true;
    const epoch = this.#epoch ?? 1;
    const owner = { apiVersion: "v1", kind: "Node", name: nodeName, uid: node.metadata.uid ?? "" };
    this.#lease = await api.create<Lease>(
      { resource: leases, namespace: NAMESPACE },
      {
        apiVersion: apiVersionOf(leases),
        kind: leases.kind,
        metadata: { name: nodeName, namespace: NAMESPACE, ownerReferences: [owner] },
        spec: this.#spec(epoch),
      },
      { signal },
    );
    this.#epoch = epoch;
    return RENEW_MS;
  }

  #spec(epoch: number): NonNullable<Lease["spec"]> {
    return {
      holderIdentity: this.#options.nodeName,
      leaseDurationSeconds: DURATION_SECONDS,
      leaseTransitions: epoch,
      renewTime: toKubernetesMicroTime(this.#options.clock.now()),
    };
  }

  #over(reason: string): void {
    this.#stopped.abort();
    this.#options.onOver(reason);
  }
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
