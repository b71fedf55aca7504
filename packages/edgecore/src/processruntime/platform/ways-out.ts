import { describeError, type Logger } from "@skerry/base";
import { killRunning, type ProcessIdentity, stillRuns } from "./process-identity.ts";
import type { Sandbox } from "./sandboxes.ts";

export interface WaysOutOptions {
  /** Leads the network of this process out. */
  readonly start: (holderId: number) => Promise<ProcessIdentity>;
  readonly list: () => readonly Sandbox[];
  readonly isReady: (sandbox: Sandbox) => boolean;
  /** Keeps what a sandbox is over a restart of the runtime. */
  readonly save: (sandbox: Sandbox) => Promise<void>;
  readonly logger: Logger;
  /** How often it is looked whether they are all there. @default 5 s */
  readonly intervalMs?: number;
}

/** The ways out of the pods' own networks: each is a process, and one that has ended is started again. */
export class WaysOut implements AsyncDisposable {
  readonly #options: WaysOutOptions;
  readonly #starting = new Map<string, Promise<void>>();
  /** Those that have none, once that was told. */
  readonly #told = new WeakSet<Sandbox>();
  readonly #interval: NodeJS.Timeout;
  #looking: Promise<void> | undefined;
  #isClosed = false;

  constructor(options: WaysOutOptions) {
    this.#options = options;
    this.#interval = setInterval(() => {
      this.#looking ??= this.#look().finally(() => {
        this.#looking = undefined;
      });
    }, options.intervalMs ?? 5_000);
  }

  /** Gives the pod a way out where there is none; one that cannot be had is no reason not to run it. Never rejects. */
  provide(sandbox: Sandbox): Promise<void> {
    if (this.#isClosed || sandbox.address === undefined) return Promise.resolve();
    if (!this.#options.isReady(sandbox) || stillRuns(sandbox.outbound)) return Promise.resolve();
    let starting = this.#starting.get(sandbox.id);
    if (!starting) {
      starting = this.#start(sandbox).finally(() => this.#starting.delete(sandbox.id));
      this.#starting.set(sandbox.id, starting);
    }
    return starting;
  }

  /** They stay, but nobody looks after them any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#interval);
    await this.#looking;
    await Promise.all(this.#starting.values());
  }

  async #look(): Promise<void> {
    for (const sandbox of this.#options.list()) await this.provide(sandbox);
  }

  async #start(sandbox: Sandbox): Promise<void> {
    const { start, isReady, save, logger } = this.#options;
    const hadOne = sandbox.outbound !== undefined;
    try {
      const started = await start(sandbox.holder.processId);
      // Stopped meanwhile, when there was nothing to kill yet.
      if (!isReady(sandbox)) {
        killRunning(started);
        return;
      }
      sandbox.outbound = started;
      await save(sandbox);
      this.#told.delete(sandbox);
      if (hadOne) logger.warn("A pod's way out of its network had ended; there is a new one", { sandbox: sandbox.id });
    } catch (error) {
      // One that is not noted would be left behind by the next runtime.
      killRunning(sandbox.outbound);
      sandbox.outbound = undefined;
      if (this.#told.has(sandbox)) return;
      this.#told.add(sandbox);
      logger.warn("A pod gets no way out of its network; it is tried again", {
        sandbox: sandbox.id,
        reason: describeError(error),
      });
    }
  }
}
