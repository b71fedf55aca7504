import { isJsonObject, type JsonObject, type JsonValue } from "@skerry/base";
import type { EnrolmentRequest, EnrolmentResponse } from "../cloudhub/index.ts";

/** What a webhook gets of an HTTP request. */
export type ReviewRequest = Pick<EnrolmentRequest, "method" | "path" | "body">;

/** What a kind of webhook takes and answers. */
export interface ReviewKind {
  readonly apiVersion: string;
  /** With its article. */
  readonly article: "a" | "an";
  readonly kind: string;
}

/** Answers a review that an API server has posted; `respond` makes the response, which gets the review's uid. */
export function answerReview(
  { apiVersion, article, kind }: ReviewKind,
  { method, body }: Pick<ReviewRequest, "method" | "body">,
  respond: (request: JsonObject) => JsonObject | undefined,
): EnrolmentResponse {
  if (method !== "POST") return plain(405, `${article === "a" ? "A" : "An"} ${kind} is wanted here, by POST`);
  const review = parse(body);
  const request = isJsonObject(review) ? review["request"] : undefined;
  const uid = isJsonObject(request) ? request["uid"] : undefined;
  const response = isJsonObject(request) && typeof uid === "string" ? respond(request) : undefined;
  if (uid === undefined || response === undefined) return plain(400, `This is no ${kind} of ${apiVersion}`);
  return {
    status: 200,
    headers: { "content-type": "application/json" },
    body: new TextEncoder().encode(JSON.stringify({ apiVersion, kind, response: { uid, ...response } })),
  };
}

function parse(body: Uint8Array): JsonValue | undefined {
  try {
    return JSON.parse(new TextDecoder().decode(body)) as JsonValue;
  } catch {
    return undefined;
  }
}

function plain(status: number, text: string): EnrolmentResponse {
  return {
    status,
    headers: { "content-type": "text/plain; charset=utf-8" },
    body: new TextEncoder().encode(`${text}\n`),
  };
}
