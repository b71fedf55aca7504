import { request as httpRequest, type IncomingMessage } from "node:http";
import { describeError, isSkerryError } from "@skerry/base";
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
      return {
        status: response.statusCode ?? 502,
        headers: Object.fromEntries(
          Object.entries(response.headersDistinct).map(([name, values]) => [name, values ?? []]),
        ),
        body: await readBody(response, port, maximumAnswerBytes),
      };
    } catch (error) {
      if (isSkerryError(error)) throw error;
      throw serviceUnreachable(port, describeError(error), error);
    }
  },
};

async function readBody(response: IncomingMessage, port: number, limitBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of response as AsyncIterable<Uint8Array>) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > limitBytes) throw answerTooLarge(port, limitBytes);
    chunks.push(chunk);
  }
  return new Uint8Array(Buffer.concat(chunks));
}
