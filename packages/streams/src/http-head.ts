import { httpHeadInvalid } from "./errors.ts";
import type { ByteStream } from "./tunnel-stream.ts";

/** The head of an HTTP/1.1 answer. */
export interface ResponseHead {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

/** A head as it was read, and what came behind it. */
export interface ReadResponseHead {
  readonly head: ResponseHead;
  /** The very bytes of the head, its empty line included. */
  readonly raw: Uint8Array;
  readonly rest: Uint8Array;
}

const MAX_HEAD_BYTES = 16 * 1024;
const STATUS_LINE = /^HTTP\/1\.[01] (\d{3})(?: |$)/;
/** Characters that could end a header line early. */
const LINE_BREAKS = /[\r\n\0]/;

/** The bytes of an answer's head. A name or value with a line break is left out: it would be another header. */
export function encodeResponseHead(
  status: number,
  reason: string,
  headers: Readonly<Record<string, string>>,
): Uint8Array {
  return encodeHead(`HTTP/1.1 ${status} ${reason}`, Object.entries(headers));
}

/** The bytes of a request's head, with the same care. */
export function encodeRequestHead(
  method: string,
  target: string,
  headers: readonly (readonly [string, string])[],
): Uint8Array {
  return encodeHead(`${method} ${target} HTTP/1.1`, headers);
}

/**
 * Reads an answer's head from a stream; undefined when the stream ends before anything came.
 * @throws SkerryError `STREAMS_HTTP_HEAD_INVALID`, `STREAMS_CLOSED`
 */
export async function readResponseHead(stream: Pick<ByteStream, "read">): Promise<ReadResponseHead | undefined> {
  let bytes = new Uint8Array();
  for (;;) {
    const chunk = await stream.read();
    if (!chunk) {
      if (bytes.length === 0) return undefined;
      throw httpHeadInvalid("it ends within its head");
    }
    const joined = new Uint8Array(bytes.length + chunk.length);
    joined.set(bytes);
    joined.set(chunk, bytes.length);
    const end = endOfHead(joined, Math.max(0, bytes.length - 3));
    bytes = joined;
    if (end > 0 && end <= MAX_HEAD_BYTES)
      return { head: parseHead(bytes.subarray(0, end)), raw: bytes.slice(0, end), rest: bytes.slice(end) };
    if (bytes.length > MAX_HEAD_BYTES) throw httpHeadInvalid(`its head has more than ${MAX_HEAD_BYTES} bytes`);
  }
}

/** The first byte after the empty line; 0 when it has not come yet. */
function endOfHead(bytes: Uint8Array, from: number): number {
  for (let at = from; at + 3 < bytes.length; at++)
    if (bytes[at] === 13 && bytes[at + 1] === 10 && bytes[at + 2] === 13 && bytes[at + 3] === 10) return at + 4;
  return 0;
}

function parseHead(bytes: Uint8Array): ResponseHead {
  const [first = "", ...lines] = new TextDecoder("latin1").decode(bytes).split("\r\n");
  const status = STATUS_LINE.exec(first)?.[1];
  if (status === undefined) throw httpHeadInvalid(`its first line is ${JSON.stringify(first.slice(0, 60))}`);
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon > 0) headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  return { status: Number(status), headers };
}

function encodeHead(firstLine: string, headers: readonly (readonly [string, string])[]): Uint8Array {
  const lines = headers
    .filter(([name, value]) => /^[\w-]+$/.test(name) && !LINE_BREAKS.test(value))
    .map(([name, value]) => `${name}: ${value}`);
  return new TextEncoder().encode([firstLine.replace(/[\r\n\0]/g, ""), ...lines, "", ""].join("\r\n"));
}
