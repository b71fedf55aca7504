import { request as httpRequest, type IncomingMessage } from "node:http";
import { describeError, isSkerryError } from "@skerry/base";
import { readBody } from "@skerry/base/platform";
import { answerTooLarge, serviceUnreachable } from "../errors.ts";
import type { LoopbackHttpClient } from "../http-ports.ts";

/** {@link LoopbackHttpClient} of this machine. */
export const loopbackHttpClient: LoopbackHttpClient = {
  async request({ port, path, method, headers, body, timeoutMs, maximumAnswerBytes, signal }) {
    try {
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        const sent = httpRequest(
          {
            host: "127.0.0.1",
            port,
            path,
            method,
            headers: Object.fromEntries(Object.entries(headers).map(([name, values]) => [name, [...values]])),
            signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
          },
          resolve,
        );
        sent.once("error", reject);
        sent.end(body);
      });
      const answered = await readBody(response, maximumAnswerBytes);
      if (!answered) throw answerTooLarge(port, maximumAnswerBytes);
      return {
        status: response.statusCode ?? 502,
        headers: Object.fromEntries(
          Object.entries(response.headersDistinct).map(([name, values]) => [name, values ?? []]),
        ),
        body: answered,
      };
    } catch (error) {
      if (isSkerryError(error)) throw error;
      throw serviceUnreachable(port, describeError(error), error);
    }
  },
};
