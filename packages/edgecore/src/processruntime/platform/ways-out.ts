import { describeError, type JsonObject, type Logger, type RetryPolicy, RetrySchedule } from "@skerry/base";
import { systemRandom } from "@skerry/base/platform";
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
  /** How long after the last start it is started again. @default 5 s to 5 min */
  readonly retry?: RetryPolicy;
  /** One that has lived this long starts over with that. @default 1 min */
  readonly steadyMs?: number;
}

/** How it goes with a pod's way out. */
interface Attempts {
  readonly schedule: RetrySchedule;
  startedAtMs: number;
  notBeforeMs: number;
  /** What was told since it last was steady. */
  readonly told: Set<string>;
}

const DEFAULT_RETRY: RetryPolicy = { initialMs: 5_000, maximumMs: 5 * 60_000 };
const DEFAULT_STEADY_MS = 60_000;

/** The ways out of the pods' own networks: each is a process, and one that has ended is started again. */
export class WaysOut implements AsyncDisposable {
  readonly #options: WaysOutOptions;
  readonly #starting = new Map<string, Promise<void>>();
  readonly #attempts = new WeakMap<Sandbox, Attempts>();
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
    await Promise.all(this.#options.list().map((sandbox) => this.#lookAfter(sandbox)));
  }

  async #lookAfter(sandbox: Sandbox): Promise<void> {
    const { logger, steadyMs = DEFAULT_STEADY_MS } = this.#options;
    const attempts = this.#attemptsOf(sandbox);
    const nowMs = performance.now();
    if (!stillRuns(sandbox.outbound)) {
      if (nowMs >= attempts.notBeforeMs) await this.provide(sandbox);
    } else if (attempts.schedule.attempt > 0 && nowMs - attempts.startedAtMs >= steadyMs) {
      attempts.schedule.reset();
      attempts.notBeforeMs = 0;
      if (attempts.told.size > 0)
        logger.info("A pod's way out of its network is steady again", { sandbox: sandbox.id });
      attempts.told.clear();
    }
  }

  #attemptsOf(sandbox: Sandbox): Attempts {
    let attempts = this.#attempts.get(sandbox);
    if (!attempts) {
      const schedule = new RetrySchedule(this.#options.retry ?? DEFAULT_RETRY, systemRandom);
      attempts = { schedule, startedAtMs: 0, notBeforeMs: 0, told: new Set() };
      this.#attempts.set(sandbox, attempts);
    }
    return attempts;
  }

  #tell(sandbox: Sandbox, message: string, facts: JsonObject): void {
    const { told } = this.#attemptsOf(sandbox);
    if (told.has(message)) return;
    told.add(message);
    this.#options.logger.warn(message, { sandbox: sandbox.id, ...facts });
  }

  async #start(sandbox: Sandbox): Promise<void> {
    const { start, isReady, save } = this.#options;
    const hadOne = sandbox.outbound !== undefined;
    const attempts = this.#attemptsOf(sandbox);
    try {
      const started = await start(sandbox.holder.processId);
      // Stopped meanwhile, when there was nothing to kill yet.
      if (!isReady(sandbox)) {
        killRunning(started);
        return;
      }
      sandbox.outbound = started;
      await save(sandbox);
      if (hadOne) this.#tell(sandbox, "A pod's way out of its network had ended; there is a new one", {});
    } catch (error) {
      // One that is not noted would be left behind by the next runtime.
      killRunning(sandbox.outbound);
      sandbox.outbound = undefined;
      this.#tell(sandbox, "A pod gets no way out of its network; it is tried again", { reason: describeError(error) });
    } finally {
      attempts.startedAtMs = performance.now();
      attempts.notBeforeMs = attempts.startedAtMs + attempts.schedule.nextDelayMs();
    }
  }
}
