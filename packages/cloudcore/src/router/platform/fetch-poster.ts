import { describeError, isSkerryError } from "@skerry/base";
import { readBody } from "@skerry/base/platform";
import { answerTooLarge, targetUnreachable } from "../errors.ts";
import type { HttpPoster } from "../http-exchange.ts";

/** {@link HttpPoster} of this machine: certificates are verified, connections used again. */
export const fetchPoster: HttpPoster = {
  async post({ url, headers, body, timeoutMs, maximumAnswerBytes, signal }) {
    try {
      const response = await fetch(url, {
        method: "POST",
        headers,
        body,
        redirect: "manual",
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      });
      const answer = await readBody(
        response.body ?? new ReadableStream<Uint8Array>({ start: (body) => body.close() }),
        maximumAnswerBytes,
      );
      if (!answer) throw answerTooLarge(url, maximumAnswerBytes);
      return { status: response.status, body: Buffer.from(answer).toString("utf8") };
    } catch (error) {
      if (isSkerryError(error)) throw error;
      throw targetUnreachable(url, describeError(error), error);
    }
  },
};
