import type { Clock, Logger, Random } from "@skerry/base";
import type { ApiObject } from "../../registry/api-object.ts";
import type { ObjectStore } from "../../registry/object-store.ts";
import type { RequestContext } from "../../registry/request-context.ts";
import type { ResourceCatalog } from "../../registry/resource-catalog.ts";
import { modified } from "../../registry/status-errors.ts";
import type { ReviewedWrite, WriteReviewer } from "./reviewed-write.ts";
import type { WebhookCaller } from "./webhook-caller.ts";
import { WebhookDispatcher } from "./webhook-dispatcher.ts";
import { WebhookList } from "./webhook-list.ts";
import { AnswersWanted, WriteReview } from "./write-review.ts";

/** Three tries are one without changes by others: to ask those that change, those that check, and to write. */
const MOST_TRIES = 12;

/** What the reviewer works with. */
export interface WebhookReviewerOptions {
  readonly store: ObjectStore;
  readonly catalog: ResourceCatalog;
  readonly caller: WebhookCaller;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Holds writes until the webhooks that are configured have been asked. Costs nothing while none are. */
export class WebhookReviewer implements WriteReviewer<RequestContext>, Disposable {
  readonly #list: WebhookList;
  readonly #dispatcher: WebhookDispatcher;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor({ store, catalog, caller, clock, random, logger }: WebhookReviewerOptions) {
    this.#list = new WebhookList(store, catalog);
    this.#dispatcher = new WebhookDispatcher({ list: this.#list, store, caller, random, logger });
    this.#clock = clock;
    this.#random = random;
  }

  async run<T>(context: RequestContext, transact: (context: RequestContext) => Promise<T>): Promise<T> {
    if (this.#list.isEmpty || context.attempt) return transact(context);
    const review = new WriteReview(
      { list: this.#list, dispatcher: this.#dispatcher, clock: this.#clock, random: this.#random },
      context,
    );
    for (let tries = 1; ; tries++) {
      review.random.rewind();
      const attempt: RequestContext = { ...context, warnings: [], attempt: review };
      try {
        const result = await transact(attempt);
        context.warnings.push(...attempt.warnings, ...review.warnings);
        return result;
      } catch (error) {
        if (!(error instanceof AnswersWanted)) throw error;
        // Others keep changing it faster than the webhooks answer.
        if (tries === MOST_TRIES) throw modified(error.write.definition.reference, error.write.name);
      }
      await review.answer();
    }
  }

  async reviewAction(context: RequestContext, write: ReviewedWrite): Promise<ApiObject | undefined> {
    if (this.#list.isEmpty) return undefined;
    const changed = await this.#dispatcher.mutate(context, write);
    await this.#dispatcher.validate(context, changed ? { ...write, object: changed } : write);
    return changed;
  }

  [Symbol.dispose](): void {
    this.#list[Symbol.dispose]();
  }
}
