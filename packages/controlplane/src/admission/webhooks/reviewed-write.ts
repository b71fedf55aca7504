import type { Clock, Random } from "@skerry/base";
import type { ApiObject } from "../../registry/api-object.ts";
import type { ResourceDefinition } from "../../registry/resource-definition.ts";

export type Operation = "CREATE" | "UPDATE" | "DELETE" | "CONNECT";

/** A write as webhooks are asked about it: defaulted and admitted by the built-in rules, not yet stored. */
export interface ReviewedWrite {
  readonly operation: Operation;
  readonly definition: ResourceDefinition;
  /** Empty: the object itself. */
  readonly subresource: string;
  /** Empty for cluster-scoped kinds. */
  readonly namespace: string;
  readonly name: string;
  /** The state that is to be stored, or what is asked of a subresource; undefined for a deletion. */
  readonly object: ApiObject | undefined;
  /** The stored state; undefined for what is new. */
  readonly previous: ApiObject | undefined;
}

/**
 * One try at a write that webhooks have a say in. Its transaction is synchronous, they are not: where an answer is missing,
 * the functions throw `AnswersWanted`, which undoes the transaction; it is run again once they have answered.
 */
export interface WriteAttempt {
  /** They stand still from try to try, so that each comes to the same object; left out: the server's own. */
  readonly clock?: Clock;
  readonly random?: Random;
  /** What mutating webhooks make of the new state; undefined when they leave it as it is. */
  mutated(write: ReviewedWrite): ApiObject | undefined;
  /** Lets pass what validating webhooks have allowed. */
  validate(write: ReviewedWrite): void;
}

/** A write that belongs to another about which webhooks have been asked. */
export const REVIEWED_BEFORE: WriteAttempt = { mutated: () => undefined, validate: () => undefined };

/** Runs writes past the webhooks. */
export interface WriteReviewer<Context> {
  /** Runs `transact` until webhooks have answered all that it asks. @throws ApiError what they, or calling them, came to */
  run<T>(context: Context, transact: (context: Context) => Promise<T>): Promise<T>;
  /** What webhooks make of what is asked of a subresource; undefined when they leave it as it is. @throws ApiError */
  reviewAction(context: Context, write: ReviewedWrite): Promise<ApiObject | undefined>;
}
