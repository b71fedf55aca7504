import type { ServerResponse } from "node:http";
import type { ApiResponse } from "../apiserver/api-request.ts";

/** An answer whose client takes nothing for this long is cut; a watch comes back with its last revision. */
const STALLED_TIMEOUT_MS = 60_000;
/** Of a long answer so much is handed out at once, so that a slow client is told from one that has stopped reading. */
const PART_BYTES = 64 * 1024;

/** Where an answer goes. */
export interface Receiver {
  readonly outgoing: ServerResponse;
  /** Aborted when the client has gone. */
  readonly signal: AbortSignal;
  /** How long a client may take nothing of its answer. @default a minute */
  readonly stalledTimeoutMs?: number;
}

/** Sends the answer; a client that stops reading is an error, one that has gone is not. */
export async function sendAnswer(receiver: Receiver, response: ApiResponse): Promise<void> {
  const { outgoing, signal } = receiver;
  outgoing.writeHead(response.status, { "cache-control": "no-cache, private", ...response.headers });
  try {
    if (typeof response.body === "string") {
      await sendText(receiver, response.body);
      return;
    }
    outgoing.flushHeaders();
    for await (const line of response.body) {
      if (signal.aborted) break;
      if (!outgoing.write(line)) await taken(receiver, "drain", response.mayStall);
    }
    outgoing.end();
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

async function sendText(receiver: Receiver, text: string): Promise<void> {
  const { outgoing, signal } = receiver;
  let rest: string | Uint8Array = text;
  if (text.length > PART_BYTES) {
    const bytes = Buffer.from(text);
    let sent = 0;
    for (; bytes.length - sent > PART_BYTES && !signal.aborted; sent += PART_BYTES)
      if (!outgoing.write(bytes.subarray(sent, sent + PART_BYTES))) await taken(receiver, "drain");
    rest = bytes.subarray(sent);
  }
  outgoing.end(rest);
  if (!outgoing.writableFinished && !signal.aborted) await taken(receiver, "finish");
}

/** Waits until the client has taken what was written. A client that has stopped reading is cut off. */
function taken(
  { outgoing, signal, stalledTimeoutMs = STALLED_TIMEOUT_MS }: Receiver,
  sign: "drain" | "finish",
  mayStall = false,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const finish = (settle: () => void): void => {
      clearTimeout(timer);
      outgoing.off(sign, onTaken);
      signal.removeEventListener("abort", onAbort);
      settle();
    };
    const onTaken = (): void => finish(resolve);
    const onAbort = (): void => finish(() => reject(new Error("the client has gone")));
    const onStalled = (): void =>
      finish(() => reject(new Error(`the client took nothing for ${stalledTimeoutMs / 1000} s`)));
    const timer = mayStall ? undefined : setTimeout(onStalled, stalledTimeoutMs);
    outgoing.on(sign, onTaken);
    signal.addEventListener("abort", onAbort, { once: true });
  });
}
