import { describeError, type Logger } from "@skerry/base";
import { matchesTopic } from "@skerry/link";
import type { MqttSession } from "./mqtt-connector.ts";
import { topicFilters } from "./topic-filters.ts";

/**
 * Keeps the broker's subscriptions as the cloud's rules want them. The broker remembers a subscription while EdgeCore is
 * away, so what came on one that is no longer wanted is told apart here.
 */
export class RuleTopics {
  readonly #logger: Logger;
  readonly #subscribed = new Set<string>();
  #wanted: readonly string[] = [];
  #session: MqttSession | undefined;
  #work: Promise<void> = Promise.resolve();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  set(filters: readonly string[]): void {
    this.#wanted = filters;
    this.#reconcile();
  }

  sessionOpened(session: MqttSession): void {
    this.#session = session;
    this.#subscribed.clear();
    this.#reconcile();
  }

  sessionEnded(): void {
    this.#session = undefined;
  }

  /** Whether a message that is not for DeviceTwin is wanted in the cloud. */
  isFor(topic: string): boolean {
    return [...topicFilters, ...this.#wanted].some((filter) => matchesTopic(filter, topic));
  }

  /** One step after the other; a filter that the broker refuses does not keep the others from their turn. */
  #reconcile(): void {
    const session = this.#session;
    if (!session) return;
    this.#work = this.#work.then(async () => {
      for (const filter of [...this.#subscribed])
        if (!this.#wanted.includes(filter) && this.#session === session) {
          this.#subscribed.delete(filter);
          await this.#try(filter, session.unsubscribe(filter));
        }
      for (const filter of this.#wanted)
        if (!this.#subscribed.has(filter) && this.#session === session) {
          this.#subscribed.add(filter);
          await this.#try(filter, session.subscribe(filter));
        }
    });
  }

  async #try(topic: string, work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      // A broken connection is followed by another session, which begins anew.
      this.#logger.warn("The broker did not take a subscription of the cloud's rules", {
        topic,
        reason: describeError(error),
      });
    }
  }
}
