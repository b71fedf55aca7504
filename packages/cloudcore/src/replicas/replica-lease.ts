import { apiVersionOf, type Lease, leases } from "@skerry/api";
import { type Clock, describeError, type Logger, type Service, sleep, toKubernetesMicroTime } from "@skerry/base";
import { isApiError, type KubernetesApi } from "@skerry/kube";
import { SYSTEM_NAMESPACE } from "../cloudhub/index.ts";

/** Label of the leases by which the CloudCores of a cluster know each other. */
export const REPLICA_LABEL = "skerry.io/replica";
/** Annotation of such a lease: `host:port` at which the other replicas reach this one. */
export const PEER_ANNOTATION = "skerry.io/peer";

/** Another CloudCore of the cluster. */
export interface Replica {
  readonly name: string;
  /** `host:port`; undefined where it serves no streams. */
  readonly peerAddress: string | undefined;
}

export interface ReplicaLeaseOptions {
  readonly api: KubernetesApi;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Name of this CloudCore; different for each replica. */
  readonly name: string;
  /** Different at each start. */
  readonly identity: string;
  readonly peerAddress: string | undefined;
  /** Whether this replica does what only one does: here, to remove the leases of those that are long gone. */
  readonly isLeader: () => boolean;
}

const RENEW_MS = 20_000;
const RETRY_MS = 2_000;
const DURATION_SECONDS = 60;
/** Replicas that are listed; there are a handful. */
const MAX_REPLICAS = 100;
/** Machines' clocks differ; only what is surely left from long ago is not asked. */
const LONG_GONE_MS = 600_000;
const SWEEP_MS = 600_000;

/**
 * The other replicas, those that crashed a short while ago among them.
 * @param name of this one
 * @throws ApiError
 */
export async function otherReplicas(api: KubernetesApi, clock: Clock, name: string): Promise<readonly Replica[]> {
  const all = await listReplicaLeases(api);
  return all.flatMap((lease) => {
    const { labels, annotations } = lease.metadata;
    const replica = labels?.[REPLICA_LABEL] ?? "";
    if (replica === "" || replica === name || isLongGone(lease, clock.now())) return [];
    return [{ name: replica, peerAddress: annotations?.[PEER_ANNOTATION] }];
  });
}

/** Shows this CloudCore to its replicas by a Lease, which goes when CloudCore stops. */
export class ReplicaLease implements Service {
  readonly #options: ReplicaLeaseOptions;
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;
  #told = false;
  #nextSweepMs = Number.NEGATIVE_INFINITY;

  constructor(options: ReplicaLeaseOptions) {
    this.#options = options;
  }

  /** Begins to show itself; does not wait for it. */
  async start(): Promise<void> {
    this.#running ??= this.#run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { api, name, identity } = this.#options;
    this.#stopping.abort();
    await this.#running;
    try {
      const own = await api.get<Lease>(targetOf(name));
      const { uid, resourceVersion } = own.metadata;
      if (own.spec?.holderIdentity !== identity || !uid || !resourceVersion) return;
      await api.delete(targetOf(name), { preconditions: { uid, resourceVersion } });
    } catch {
      // It runs out by itself.
    }
  }

  async #run(): Promise<void> {
    const { clock, logger, name } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      let pauseMs = RENEW_MS;
      try {
        await this.#renew(signal);
        this.#told = false;
        await this.#sweep(signal);
      } catch (error) {
        pauseMs = RETRY_MS;
        if (!signal.aborted && !this.#told && !isApiError(error, "Conflict")) {
          this.#told = true;
          logger.warn("CloudCore cannot show itself to its replicas; trying again", {
            replica: name,
            error: describeError(error),
          });
        }
      }
      if (!signal.aborted) await sleep(clock, pauseMs, signal).catch(() => undefined);
    }
  }

  async #renew(signal: AbortSignal): Promise<void> {
    const { api, clock, name, identity, peerAddress } = this.#options;
    const before = await this.#read(signal);
    const metadata = {
      ...before?.metadata,
      name: targetOf(name).name,
      namespace: SYSTEM_NAMESPACE,
      labels: { ...before?.metadata.labels, [REPLICA_LABEL]: name },
      annotations: { ...before?.metadata.annotations, ...(peerAddress ? { [PEER_ANNOTATION]: peerAddress } : {}) },
    };
    const now = toKubernetesMicroTime(clock.now());
    const isOwn = before?.spec?.holderIdentity === identity;
    const spec = {
      holderIdentity: identity,
      leaseDurationSeconds: DURATION_SECONDS,
      acquireTime: (isOwn ? before?.spec?.acquireTime : undefined) ?? now,
      renewTime: now,
    };
    const lease: Lease = { apiVersion: apiVersionOf(leases), kind: leases.kind, metadata, spec };
    if (before) await api.update<Lease>(targetOf(name), lease, { signal });
    else await api.create<Lease>({ resource: leases, namespace: SYSTEM_NAMESPACE }, lease, { signal });
  }

  /** Replicas that crashed and never came again under their names leave their leases behind. */
  async #sweep(signal: AbortSignal): Promise<void> {
    const { api, clock, isLeader } = this.#options;
    if (!isLeader() || clock.monotonicMs() < this.#nextSweepMs) return;
    this.#nextSweepMs = clock.monotonicMs() + SWEEP_MS;
    for (const lease of await listReplicaLeases(api, signal)) {
      const { name, uid = "", resourceVersion = "" } = lease.metadata;
      if (!isLongGone(lease, clock.now())) continue;
      const target = { resource: leases, namespace: SYSTEM_NAMESPACE, name };
      await api.delete(target, { preconditions: { uid, resourceVersion }, signal }).catch((error: unknown) => {
        if (!isApiError(error, "NotFound") && !isApiError(error, "Conflict")) throw error;
      });
    }
  }

  async #read(signal: AbortSignal): Promise<Lease | undefined> {
    try {
      return await this.#options.api.get<Lease>(targetOf(this.#options.name), signal);
    } catch (error) {
      if (isApiError(error, "NotFound")) return undefined;
      throw error;
    }
  }
}

async function listReplicaLeases(api: KubernetesApi, signal?: AbortSignal): Promise<readonly Lease[]> {
  const options = { labelSelector: REPLICA_LABEL, limit: MAX_REPLICAS, ...(signal ? { signal } : {}) };
  return (await api.list<Lease>({ resource: leases, namespace: SYSTEM_NAMESPACE }, options)).items;
}

function isLongGone({ spec }: Lease, nowMs: number): boolean {
  return nowMs - Date.parse(spec?.renewTime ?? "") > LONG_GONE_MS;
}

function targetOf(name: string): {
  readonly resource: typeof leases;
  readonly namespace: string;
  readonly name: string;
} {
  return { resource: leases, namespace: SYSTEM_NAMESPACE, name: `replica.${name}` };
}
