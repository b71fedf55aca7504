import { type Rule, rules } from "@skerry/api";
import { type Clock, describeError, type Logger, type Timer } from "@skerry/base";
import { isApiError, type KubernetesApi } from "@skerry/kube";

export interface RuleCountsOptions {
  readonly api: KubernetesApi;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Tally {
  done: number;
  failed: number;
  errors: string[];
}

const WRITE_INTERVAL_MS = 5_000;
/** Errors kept in a rule's status: the newest. */
const ERROR_LIMIT = 10;
const ERROR_LENGTH = 500;
/** Rules whose counts may wait to be written. */
const RULE_LIMIT = 10_000;

/**
 * Counts what became of rules' messages, in their status: at most one write a rule in five seconds. KubeEdge's counts
 * never arrive (cloud.md 14.4, 41).
 */
export class RuleCounts implements AsyncDisposable {
  readonly #options: RuleCountsOptions;
  readonly #tallies = new Map<string, Tally>();
  #timer: Timer | undefined;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: RuleCountsOptions) {
    this.#options = options;
  }

  /** `key` is `<namespace>/<name>`; without `failure` the message has arrived. */
  add(key: string, failure?: string): void {
    const tally = this.#tallies.get(key) ?? { done: 0, failed: 0, errors: [] };
    if (!this.#tallies.has(key) && this.#tallies.size >= RULE_LIMIT) return;
    this.#tallies.set(key, tally);
    if (failure === undefined) tally.done++;
    else {
      tally.failed++;
      tally.errors = [...tally.errors, failure.slice(0, ERROR_LENGTH)].slice(-ERROR_LIMIT);
    }
    this.#timer ??= this.#options.clock.setTimer(WRITE_INTERVAL_MS, () => this.#flush());
  }

  /** Writes what has not been written yet. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#timer?.cancel();
    this.#flush();
    await this.#writing;
  }

  #flush(): void {
    this.#timer = undefined;
    const tallies = [...this.#tallies];
    this.#tallies.clear();
    this.#writing = this.#writing.then(async () => {
      for (const [key, tally] of tallies) await this.#write(key, tally);
    });
  }

  async #write(key: string, tally: Tally): Promise<void> {
    const [namespace = "", name = ""] = key.split("/");
    const target = { resource: rules, namespace, name };
    const { api, logger } = this.#options;
    try {
      const { metadata, status = {} } = await api.get<Rule>(target);
      const next = {
        successMessages: (status.successMessages ?? 0) + tally.done,
        failMessages: (status.failMessages ?? 0) + tally.failed,
        errors: [...(status.errors ?? []), ...tally.errors].slice(-ERROR_LIMIT),
      };
      const { resourceVersion = "" } = metadata;
      await api.patch(target, { type: "merge", body: { metadata: { resourceVersion }, status: next } });
    } catch (error) {
      if (isApiError(error, "NotFound")) return; // The rule is gone, and its counts with it.
      logger.debug("A rule's counts could not be written yet", { rule: key, error: describeError(error) });
      this.#putBack(key, tally);
    }
  }

  #putBack(key: string, tally: Tally): void {
    const newer = this.#tallies.get(key) ?? { done: 0, failed: 0, errors: [] };
    this.#tallies.set(key, {
      done: newer.done + tally.done,
      failed: newer.failed + tally.failed,
      errors: [...tally.errors, ...newer.errors].slice(-ERROR_LIMIT),
    });
    this.#timer ??= this.#options.clock.setTimer(WRITE_INTERVAL_MS, () => this.#flush());
  }
}
