import type { CallStatus } from "../transport.ts";
import { decodeStatusMessage } from "./framing.ts";

/** How the call ended, where a server's headers or trailers say it. */
export function callStatus(headers: Readonly<Record<string, unknown>>): CallStatus | undefined {
  const code = headers["grpc-status"];
  if (code === undefined) return undefined;
  return { code: Number(code), message: decodeStatusMessage(String(headers["grpc-message"] ?? "")) };
}

/** What a client of this package sends with each call. */
export const CALL_HEADERS: Readonly<Record<string, string>> = {
  ":method": "POST",
  "content-type": "application/grpc",
  te: "trailers",
};
