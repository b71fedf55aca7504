import { describeError, isSkerryError } from "@skerry/base";
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
      return { status: response.status, body: await readText(url, response, maximumAnswerBytes) };
    } catch (error) {
      if (isSkerryError(error)) throw error;
      throw targetUnreachable(url, describeError(error), error);
    }
  },
};

async function readText(url: string, response: Response, limitBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of response.body ?? []) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > limitBytes) throw answerTooLarge(url, limitBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
