import { type Clock, describeError, type Logger, type Random, RetrySchedule, type Service, sleep } from "@skerry/base";
import type { Enrolment } from "./enrolment.ts";

export interface CertificateRotationPorts {
  readonly enrolment: Pick<Enrolment, "renewalTimeMs" | "renew" | "trustsOnly" | "followAuthorities">;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** The node may have another key. Never rejects. */
  readonly renewed: () => Promise<void>;
}

/** The wall clock may jump, so the time is looked at again at least this often. */
const LOOK_AGAIN_MS = 6 * 3_600_000;
const SPREAD_MS = 5_000;
/** A change of the authority has a time limit, so a question that failed is not left until the next connection. */
const FOLLOW_RETRY = { initialMs: 10_000, maximumMs: 3_600_000 };

/**
 * Renews the node's certificate before it expires (security.md 6). The session goes on: the new certificate is used at
 * the next dial. Start it once the node is enrolled.
 */
export class CertificateRotation implements Service {
  readonly #ports: CertificateRotationPorts;
  readonly #logger: Logger;
  readonly #stopped = new AbortController();
  #loop: Promise<void> | undefined;
  #wake = new AbortController();
  readonly #followRetry: RetrySchedule;
  /** The cloud's only authority, as it has said at the connection that was the reason to look. */
  #onlyAuthority: string | undefined;

  constructor(ports: CertificateRotationPorts) {
    this.#ports = ports;
    this.#logger = ports.logger.child("enrolment");
    this.#followRetry = new RetrySchedule(FOLLOW_RETRY, ports.random);
  }

  async start(): Promise<void> {
    this.#loop ??= this.#run().catch((error: unknown) => {
      if (!this.#stopped.signal.aborted) {
        this.#logger.error("The certificate is no longer watched for renewal", { error: describeError(error) });
      }
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped.abort();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { clock, enrolment } = this.#ports;
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      const dueMs = await enrolment.renewalTimeMs();
      if (dueMs === undefined) return;
      let lookAgainMs = LOOK_AGAIN_MS;
      for (let leftMs = dueMs - clock.now(); leftMs > 0; leftMs = dueMs - clock.now()) {
        const woken = AbortSignal.any([signal, this.#wake.signal]);
        await sleep(clock, Math.min(leftMs, lookAgainMs), woken).catch((error: unknown) => {
          if (signal.aborted) throw error;
        });
        // Before it is looked: a connection that comes meanwhile is looked at next.
        this.#wake = new AbortController();
        lookAgainMs = await this.#followAuthorities(signal);
      }
      await this.#renew(signal);
    }
  }

  /**
   * The node is connected: CloudCore may have other authorities than before. `onlyHash`: SHA-256 (hex) of the only one that
   * it says it has. Where the node trusts just that one it asks no more: a second connection a node is half of what the
   * return of all nodes after a restart would cost.
   */
  lookAtAuthorities(onlyHash: string | undefined): void {
    this.#onlyAuthority = onlyHash;
    this.#followRetry.reset();
    this.#wake.abort();
  }

  /** Returns when to look again unless there is a connection before; a failure is no harm. */
  async #followAuthorities(signal: AbortSignal): Promise<number> {
    const { clock, random, enrolment } = this.#ports;
    const onlyHash = this.#onlyAuthority;
    this.#onlyAuthority = undefined;
    try {
      if (onlyHash !== undefined && (await enrolment.trustsOnly(onlyHash))) return LOOK_AGAIN_MS;
      // After a restart of CloudCore all nodes come at once.
      await sleep(clock, SPREAD_MS * random.float(), signal);
      await enrolment.followAuthorities(signal);
      await this.#ports.renewed();
      this.#followRetry.reset();
      return LOOK_AGAIN_MS;
    } catch (error) {
      if (signal.aborted) throw error;
      const delayMs = Math.min(this.#followRetry.nextDelayMs(), LOOK_AGAIN_MS);
      this.#logger.debug("CloudCore's authorities could not be looked at yet", {
        error: describeError(error),
        delayMs,
      });
      return delayMs;
    }
  }

  async #renew(signal: AbortSignal): Promise<void> {
    const retry = new RetrySchedule({ initialMs: 2000, maximumMs: 300_000 }, this.#ports.random);
    while (!signal.aborted) {
      try {
        await this.#ports.enrolment.renew(signal);
        await this.#ports.renewed();
        return;
      } catch (error) {
        if (signal.aborted) return;
        const delayMs = retry.nextDelayMs();
        this.#logger.warn("The certificate could not be renewed yet; it is tried again", {
          error: describeError(error),
          delayMs,
        });
        await sleep(this.#ports.clock, delayMs, signal);
      }
    }
  }
}
