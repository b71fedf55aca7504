import { request as httpsRequest } from "node:https";
import { abortReason } from "@skerry/base";
import { certificatePem, keyedCertificatePem } from "@skerry/pki";
import { answerTooLarge, enrolmentUnreachable } from "../errors.ts";
import type { EnrolmentHttp, EnrolmentRequest, EnrolmentResponse } from "../ports.ts";

/** {@link EnrolmentHttp} over Node's own HTTPS client: `fetch` would not send a body with a GET. */
export const httpsEnrolmentClient: EnrolmentHttp = { get };

function get(options: EnrolmentRequest, signal: AbortSignal): Promise<EnrolmentResponse> {
  const { url, trust, identity, body, timeoutMs, maxResponseBytes } = options;
  const pair = identity && keyedCertificatePem(identity);
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(abortReason(signal));
    if (!URL.canParse(url) || new URL(url).protocol !== "https:") {
      return reject(enrolmentUnreachable(url, new Error("this is no https:// address")));
    }
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    const request = httpsRequest(
      url,
      {
        method: "GET",
        agent: false,
        signal: deadline,
        minVersion: "TLSv1.2",
        maxHeaderSize: 16_384,
        headers: { ...options.headers, ...(body ? { "content-length": String(body.byteLength) } : {}) },
        ...(trust.kind === "authorities"
          ? { ca: trust.authoritiesDer.map(certificatePem) }
          : { rejectUnauthorized: false }),
        ...(pair ? { cert: pair.certificatePem, key: pair.privateKeyPem } : {}),
      },
      (response) => {
        const chunks: Buffer[] = [];
        let sizeBytes = 0;
        response.on("data", (chunk: Buffer) => {
          sizeBytes += chunk.byteLength;
          if (sizeBytes > maxResponseBytes) request.destroy(answerTooLarge(url, maxResponseBytes));
          else chunks.push(chunk);
        });
        response.on("error", (error) => request.destroy(error));
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, body: new Uint8Array(Buffer.concat(chunks)) }),
        );
      },
    );
    request.on("error", (error) => reject(explain(url, error, signal)));
    request.end(body);
  });
}

function explain(url: string, error: Error, signal: AbortSignal): Error {
  if (signal.aborted) return abortReason(signal);
  if ("code" in error && error.code === "ENROLMENT_ANSWER_TOO_LARGE") return error;
  if (error.name === "AbortError" || error.name === "TimeoutError") {
    return enrolmentUnreachable(url, new Error("it did not answer in time"));
  }
  return enrolmentUnreachable(url, error);
}
