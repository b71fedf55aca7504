import type { JsonObject } from "./json.ts";

/** What an error says: what happened, to what, and what to do about it. */
export interface ErrorDescription {
  /** Stable, upper-case, prefixed with the area: `LINK_MESSAGE_TOO_LARGE`. */
  readonly code: string;
  /** What happened and to what, in one sentence. */
  readonly message: string;
  /** What the reader can do about it, in one sentence. */
  readonly advice: string;
  /** Machine-readable facts: names, sizes, limits. Never secrets. */
  readonly details?: JsonObject;
  readonly cause?: unknown;
}

/**
 * The one base class of Skerry's errors. Each package lists its own in `errors.ts`, one function an error, so that
 * codes stay stable and every error says what to do.
 */
export class SkerryError extends Error {
  readonly code: string;
  readonly advice: string;
  readonly details: JsonObject;

  constructor(description: ErrorDescription) {
    super(description.message, description.cause === undefined ? undefined : { cause: description.cause });
    this.name = "SkerryError";
    this.code = description.code;
    this.advice = description.advice;
    this.details = description.details ?? {};
  }
}

/** Whether `error` is a {@link SkerryError}, optionally with the given code. */
export function isSkerryError(error: unknown, code?: string): error is SkerryError {
  return error instanceof SkerryError && (code === undefined || error.code === code);
}

/** A one-line text of any thrown value, its causes included, for logs and user messages. */
export function describeError(error: unknown): string {
  const parts: string[] = [];
  let current: unknown = error;
  for (let depth = 0; depth < 5 && current !== undefined && current !== null; depth++) {
    if (current instanceof SkerryError) parts.push(`${current.code}: ${current.message}`);
    else if (current instanceof Error) parts.push(current.message);
    else parts.push(String(current));
    current = current instanceof Error ? current.cause : undefined;
  }
  return parts.join(": ");
}

/** Throws an `INVARIANT_VIOLATED` error when `condition` is false: a bug in Skerry, never a user's mistake. */
export function invariant(condition: unknown, what: string): asserts condition {
  if (!condition) {
    throw new SkerryError({
      code: "INVARIANT_VIOLATED",
      message: `Invariant violated: ${what}`,
      advice: "This is a bug in Skerry; please report it with the log around it.",
    });
  }
}
