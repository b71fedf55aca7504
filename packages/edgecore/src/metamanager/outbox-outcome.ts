import type { Status } from "@skerry/api";
import type { CloudAnswer } from "./cloud-answer.ts";

/**
 * Failed tries of one content that may never succeed. What is about the moment, such as an API server that is away, is
 * not among them: after the longest outage a content has as many tries as before it.
 */
export interface FailedTries {
  readonly forbidden: number;
  /** Not answered, or answered with another failure. */
  readonly other: number;
}

export const NO_FAILED_TRIES: FailedTries = { forbidden: 0, other: 0 };

/** What an answer means for the outbox entry it answers. */
export type OutboxOutcome =
  | { readonly kind: "delivered" }
  /** The cloud will never take it; trying again cannot help. */
  | { readonly kind: "refused"; readonly status: Status }
  /** `tries` are those of the content so far, this one included. */
  | { readonly kind: "retry"; readonly status: Status; readonly tries: FailedTries };

/** Reasons for which the same request can never succeed. */
const FINAL_REASONS: ReadonlySet<string> = new Set([
  "NotFound",
  "Gone",
  "Expired",
  "Invalid",
  "BadRequest",
  "MethodNotAllowed",
  "NotAcceptable",
  "UnsupportedMediaType",
  "RequestEntityTooLarge",
]);

/** How often a `Forbidden` is tried again: the cloud's view of who owns what may lag for a moment. */
const FORBIDDEN_TRIES = 5;
/** The same of an event, for which all later ones wait. */
const FORBIDDEN_EVENT_TRIES = 2;

/** Reasons that are about the moment, not about the request. */
const PASSING_REASONS: ReadonlySet<string> = new Set(["ServiceUnavailable", "TooManyRequests", "Timeout"]);

/** How often an event is tried that the cloud cannot take, or does not answer, before the next one has its turn. */
const EVENT_TRIES = 8;

/** Whether an event has failed so often that the next one has its turn. */
export function isEventLost({ forbidden, other }: FailedTries): boolean {
  return forbidden >= FORBIDDEN_EVENT_TRIES || forbidden + other >= EVENT_TRIES;
}

/** Nobody has answered, or with a failure that is none of those judged by themselves. */
export function afterNoAnswer(earlier: FailedTries): FailedTries {
  return { ...earlier, other: earlier.other + 1 };
}

/** Judges an answer. `earlier` are the failed tries of this content before this one. */
export function judgeAnswer(answer: CloudAnswer, earlier: FailedTries, ofEvent = false): OutboxOutcome {
  if (answer.kind !== "refused") return { kind: "delivered" };
  const { status } = answer;
  const reason = status.reason ?? "";
  if (reason === "AlreadyExists") return { kind: "delivered" };
  if (FINAL_REASONS.has(reason)) return { kind: "refused", status };
  // A conflict about the UID means that the object is another one by now; any other conflict passes.
  if (reason === "Conflict" && /\buid\b/i.test(status.message ?? "")) return { kind: "refused", status };
  if (PASSING_REASONS.has(reason)) return { kind: "retry", status, tries: earlier };
  const tries = reason === "Forbidden" ? { ...earlier, forbidden: earlier.forbidden + 1 } : afterNoAnswer(earlier);
  const isLost = ofEvent ? isEventLost(tries) : tries.forbidden >= FORBIDDEN_TRIES;
  return isLost ? { kind: "refused", status } : { kind: "retry", status, tries };
}
