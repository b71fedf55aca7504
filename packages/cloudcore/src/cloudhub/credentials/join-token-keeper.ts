import { type Clock, describeError, type Logger, type Random, RetrySchedule, type Timer } from "@skerry/base";
import { createJoinToken, type KeyedCertificate, type Pki } from "@skerry/pki";
import type { SecretStore } from "./secrets.ts";

export interface JoinTokenKeeperOptions {
  readonly store: SecretStore;
  readonly pki: Pki;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly authority: KeyedCertificate;
  /** How often the token is renewed; it is good for twice as long, so that a token just read lasts for once. */
  readonly refreshMs: number;
}

const SECRET_NAME = "tokensecret";
const DATA_KEY = "tokendata";

/**
 * Keeps a fresh join token where `keadm gettoken` looks for it (security.md 3.2). A failed write is tried again until it
 * works (S12); tokens already handed out stay good until they expire.
 */
export class JoinTokenKeeper implements AsyncDisposable {
  readonly #options: JoinTokenKeeperOptions;
  readonly #retry: RetrySchedule;
  readonly #stopping = new AbortController();
  #timer: Timer | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(options: JoinTokenKeeperOptions) {
    this.#options = options;
    this.#retry = new RetrySchedule({ initialMs: 1_000, maximumMs: 60_000 }, options.random);
  }

  /** Writes the first token; without the API server it goes on trying in the background. */
  async start(): Promise<void> {
    this.#running = this.#refresh();
    await this.#running;
  }

  /** A token made now. */
  current(): string {
    const { pki, clock, authority, refreshMs } = this.#options;
    return createJoinToken(pki, {
      authorityDer: authority.certificateDer,
      key: authority.privateKeyDer,
      expiresAtMs: clock.now() + 2 * refreshMs,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    this.#timer?.cancel();
    await this.#running;
  }

  async #refresh(): Promise<void> {
    const { clock, logger, refreshMs } = this.#options;
    let nextMs = refreshMs;
    try {
      await this.#write();
      this.#retry.reset();
    } catch (error) {
      if (this.#stopping.signal.aborted) return;
      nextMs = this.#retry.nextDelayMs();
      logger.warn("The join token could not be stored; trying again", { error: describeError(error), retryMs: nextMs });
    }
    if (this.#stopping.signal.aborted) return;
    this.#timer = clock.setTimer(nextMs, () => {
      this.#running = this.#refresh();
    });
  }

  async #write(): Promise<void> {
    const { store } = this.#options;
    const { signal } = this.#stopping;
    const data = { [DATA_KEY]: new Uint8Array(Buffer.from(this.current(), "utf8")) };
    const stored = await store.read(SECRET_NAME, signal);
    // Another CloudCore that writes at the same time writes a token as good as this one.
    if (stored) await store.replace(SECRET_NAME, data, stored.resourceVersion, signal);
    else await store.create(SECRET_NAME, data, signal);
  }
}
