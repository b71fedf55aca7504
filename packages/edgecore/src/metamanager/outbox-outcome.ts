import type { Status } from "@skerry/api";
import type { CloudAnswer } from "./cloud-answer.ts";

/** What an answer means for the outbox entry it answers. */
export type OutboxOutcome =
  | { readonly kind: "delivered" }
  /** The cloud will never take it; trying again cannot help. */
  | { readonly kind: "refused"; readonly status: Status }
  | { readonly kind: "retry"; readonly status: Status };

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
export const EVENT_TRIES = 8;

/** Judges an answer. `earlierTries` counts the tries of this content before this one. */
export function judgeAnswer(answer: CloudAnswer, earlierTries: number, ofEvent = false): OutboxOutcome {
  if (answer.kind !== "refused") return { kind: "delivered" };
  const { status } = answer;
  const reason = status.reason ?? "";
  if (reason === "AlreadyExists") return { kind: "delivered" };
  if (FINAL_REASONS.has(reason)) return { kind: "refused", status };
  const forbiddenTries = ofEvent ? FORBIDDEN_EVENT_TRIES : FORBIDDEN_TRIES;
  if (reason === "Forbidden" && earlierTries + 1 >= forbiddenTries) return { kind: "refused", status };
  if (ofEvent && earlierTries + 1 >= EVENT_TRIES && !PASSING_REASONS.has(reason)) return { kind: "refused", status };
  // A conflict about the UID means that the object is another one by now; any other conflict passes.
  if (reason === "Conflict" && /\buid\b/i.test(status.message ?? "")) return { kind: "refused", status };
  return { kind: "retry", status };
}
