import { apiVersionOf, type Lease, leases } from "@skerry/api";
import {
  type Clock,
  describeError,
  type Logger,
  type Random,
  type Service,
  sleep,
  toKubernetesMicroTime,
} from "@skerry/base";
import { isApiError } from "../api-error.ts";
import type { KubernetesApi } from "../kubernetes-api.ts";
import { LeaderElection, type LeaderElectionTimes } from "./leader-election.ts";

/** What a {@link LeaderElector} lives on. */
export interface LeaderElectorOptions {
  readonly api: KubernetesApi;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly namespace: string;
  /** Of the lease. */
  readonly name: string;
  /** Who this is; different for every candidate, and for every start of one. */
  readonly identity: string;
  /** @default {@link UNHURRIED} */
  readonly times?: LeaderElectionTimes;
}

/** For work that may rest for a minute: a write each ten seconds instead of client-go's each two. */
export const UNHURRIED: LeaderElectionTimes = {
  leaseDurationMs: 60_000,
  renewDeadlineMs: 40_000,
  retryPeriodMs: 10_000,
};

/** Takes part in an election for as long as it runs, and gives the lease back when it ends. */
export class LeaderElector implements Service {
  readonly #options: LeaderElectorOptions;
  readonly #election: LeaderElection;
  readonly #times: LeaderElectionTimes;
  readonly #stopping = new AbortController();
  #running: Promise<void> | undefined;
  #led = false;
  #told = false;

  constructor(options: LeaderElectorOptions) {
    this.#options = options;
    this.#times = options.times ?? UNHURRIED;
    this.#election = new LeaderElection(options.identity, this.#times);
  }

  /** Whether this candidate leads now. To be asked before each piece of the leader's work. */
  get isLeader(): boolean {
    return !this.#stopping.signal.aborted && this.#election.leads(this.#options.clock.monotonicMs());
  }

  /** Begins to try; does not wait for the first result. */
  async start(): Promise<void> {
    this.#running ??= this.#run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const led = this.isLeader;
    this.#stopping.abort();
    await this.#running;
    if (led) await this.#release().catch(() => undefined); // It runs out by itself.
  }

  async #run(): Promise<void> {
    const { clock, random, logger, name } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await this.#try(signal);
        this.#told = false;
      } catch (error) {
        if (!signal.aborted && !this.#told && !isApiError(error, "Conflict")) {
          this.#told = true;
          logger.warn("The leader's lease cannot be read or written; trying again", {
            lease: name,
            error: describeError(error),
          });
        }
      }
      if (signal.aborted) return;
      if (this.isLeader !== this.#led) {
        this.#led = this.isLeader;
        logger.info(this.#led ? "This one leads now" : "This one no longer leads", { lease: name });
      }
      const pauseMs = Math.round(this.#times.retryPeriodMs * (1 + 0.2 * random.float()));
      await sleep(clock, pauseMs, signal).catch(() => undefined);
    }
  }

  async #try(signal: AbortSignal): Promise<void> {
    const { api, clock, namespace, name } = this.#options;
    const lease = await this.#read(signal);
    const askedAtMs = clock.monotonicMs();
    const step = this.#election.decide(lease, askedAtMs, toKubernetesMicroTime(clock.now()));
    if (step.kind === "wait") return;
    const written = lease
      ? await api.update<Lease>({ resource: leases, namespace, name }, { ...lease, spec: step.spec }, { signal })
      : await api.create<Lease>({ resource: leases, namespace }, this.#newLease(step.spec), { signal });
    this.#election.written(written, askedAtMs, clock.monotonicMs());
  }

  async #release(): Promise<void> {
    const { api, clock, namespace, name, identity } = this.#options;
    const lease = await this.#read();
    if (lease?.spec?.holderIdentity !== identity) return;
    const spec = { ...lease.spec, holderIdentity: "", leaseDurationSeconds: 1 };
    const target = { resource: leases, namespace, name };
    await api.update<Lease>(target, { ...lease, spec: { ...spec, renewTime: toKubernetesMicroTime(clock.now()) } });
  }

  async #read(signal?: AbortSignal): Promise<Lease | undefined> {
    const { api, namespace, name } = this.#options;
    try {
      return await api.get<Lease>({ resource: leases, namespace, name }, signal);
    } catch (error) {
      if (isApiError(error, "NotFound")) return undefined;
      throw error;
    }
  }

  #newLease(spec: NonNullable<Lease["spec"]>): Lease {
    const { namespace, name } = this.#options;
    return { apiVersion: apiVersionOf(leases), kind: leases.kind, metadata: { name, namespace }, spec };
  }
}
