import { isSkerryError } from "@skerry/base";
import type { EnrolmentHttp, EnrolmentRequest, EnrolmentResponse } from "./ports.ts";

/** With others to ask, a server that answers nothing is not waited for as long as the only one would be. */
const HURRIED_TIMEOUT_MS = 5_000;

/**
 * Asks another replica of CloudCore when the one that the request names cannot be reached. All have the same authority
 * and know the same tokens; what one refuses, no other is asked for.
 * @param others `https://host:port` each
 */
export function severalServers(http: EnrolmentHttp, others: readonly string[]): EnrolmentHttp {
  if (others.length === 0) return http;
  return {
    async get(request: EnrolmentRequest, signal: AbortSignal): Promise<EnrolmentResponse> {
      const { pathname, search } = new URL(request.url);
      const urls = [request.url, ...others.map((other) => new URL(pathname + search, other).href)];
      let failure: unknown;
      for (const [index, url] of urls.entries()) {
        const isLast = index === urls.length - 1;
        const timeoutMs = isLast ? request.timeoutMs : Math.min(request.timeoutMs, HURRIED_TIMEOUT_MS);
        try {
          return await http.get({ ...request, url, timeoutMs }, signal);
        } catch (error) {
          if (!isSkerryError(error, "ENROLMENT_UNREACHABLE")) throw error;
          failure ??= error;
        }
      }
      throw failure;
    },
  };
}
