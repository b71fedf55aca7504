import type { Clock, Random } from "@skerry/base";
import { jsonEqual } from "@skerry/kube";
import { type ApiObject, asJsonObject } from "../../registry/api-object.ts";
import type { RequestContext } from "../../registry/request-context.ts";
import { ReplayedRandom } from "./replayed-random.ts";
import type { ReviewedWrite, WriteAttempt } from "./reviewed-write.ts";
import type { WebhookDispatcher } from "./webhook-dispatcher.ts";
import type { WebhookList } from "./webhook-list.ts";

/** Thrown within a transaction to undo it: webhooks are to be asked first. */
export class AnswersWanted extends Error {
  readonly write: ReviewedWrite;

  constructor(write: ReviewedWrite) {
    super("webhooks are to be asked first");
    this.write = write;
  }
}

/** What webhooks made of a write; it holds for this very write only. */
interface Answer {
  readonly about: ReviewedWrite;
  /** Undefined: nobody changed it. */
  readonly changed: ApiObject | undefined;
}

/** What a review works with. */
export interface WriteReviewPorts {
  readonly list: WebhookList;
  readonly dispatcher: WebhookDispatcher;
  readonly clock: Clock;
  readonly random: Random;
}

/** What webhooks have said of one request's write so far, through as many tries as it takes. */
export class WriteReview implements WriteAttempt {
  readonly clock: Clock;
  readonly random: ReplayedRandom;
  readonly #ports: WriteReviewPorts;
  readonly #context: RequestContext;
  #wanted: { readonly phase: "mutating" | "validating"; readonly write: ReviewedWrite } | undefined;
  #mutation: Answer | undefined;
  #permission: ReviewedWrite | undefined;

  constructor(ports: WriteReviewPorts, context: RequestContext) {
    this.#ports = ports;
    this.#context = { ...context, warnings: [] };
    const { clock } = ports;
    const startMs = clock.now();
    this.clock = {
      now: () => startMs,
      monotonicMs: () => clock.monotonicMs(),
      setTimer: (delayMs, callback) => clock.setTimer(delayMs, callback),
    };
    this.random = new ReplayedRandom(ports.random);
  }

  /** What the webhooks want the client to be told. */
  get warnings(): readonly string[] {
    return this.#context.warnings;
  }

  mutated(write: ReviewedWrite): ApiObject | undefined {
    if (this.#ports.list.candidates("mutating", write).length === 0) return undefined;
    if (!this.#mutation || !isSame(this.#mutation.about, write)) this.#ask("mutating", write);
    const { changed } = this.#mutation ?? {};
    return changed && structuredClone(changed);
  }

  validate(write: ReviewedWrite): void {
    if (this.#ports.list.candidates("validating", write).length === 0) return;
    if (!this.#permission || !isSame(this.#permission, write)) this.#ask("validating", write);
  }

  /** Asks what the last try wanted to know. @throws ApiError */
  async answer(): Promise<void> {
    const { phase, write } = this.#wanted ?? {};
    if (!write) return;
    if (phase === "mutating") {
      const changed = await this.#ports.dispatcher.mutate(this.#context, write);
      this.#mutation = { about: write, changed };
    } else {
      await this.#ports.dispatcher.validate(this.#context, write);
      this.#permission = write;
    }
  }

  #ask(phase: "mutating" | "validating", write: ReviewedWrite): never {
    this.#wanted = { phase, write: structuredCopy(write) };
    throw new AnswersWanted(write);
  }
}

function structuredCopy(write: ReviewedWrite): ReviewedWrite {
  return { ...write, object: structuredClone(write.object), previous: structuredClone(write.previous) };
}

function isSame(one: ReviewedWrite, other: ReviewedWrite): boolean {
  const isEqual = (a: ApiObject | undefined, b: ApiObject | undefined): boolean =>
    a === undefined || b === undefined ? a === b : jsonEqual(asJsonObject(a), asJsonObject(b));
  return (
    one.operation === other.operation && isEqual(one.object, other.object) && isEqual(one.previous, other.previous)
  );
}
