import { frameInvalid } from "../errors.ts";

/** Types of SPDY/3.1's control frames that matter here. */
export const spdyTypes = { synStream: 1, synReply: 2, rstStream: 3, ping: 6, goAway: 7 } as const;

/** What was read of a SPDY connection; a data frame may come in several parts. */
export type SpdyEvent =
  | { readonly kind: "data"; readonly streamId: number; readonly bytes: Uint8Array; readonly isLast: boolean }
  | { readonly kind: "control"; readonly type: number; readonly flags: number; readonly payload: Uint8Array };

const HEAD_BYTES = 8;
const VERSION = 3;
/** Flag of a frame after which its stream has no more from this side. */
export const FLAG_FIN = 1;
/** Answers to our streams' headers, settings, pings; a data frame is never gathered. */
const MAX_CONTROL_BYTES = 64 * 1024;
const MAX_STREAM_ID = 0x7f_ff_ff_ff;

/** Takes a SPDY/3.1 connection's bytes apart, however they were cut. */
export class SpdyFrameReader {
  #pending = new Uint8Array();
  /** The data frame that is being read. */
  #data: { readonly streamId: number; readonly isLast: boolean; leftBytes: number } | undefined;

  /** @throws SkerryError `STREAMS_FRAME_INVALID` */
  *read(bytes: Uint8Array): Generator<SpdyEvent> {
    let rest = this.#pending.length === 0 ? bytes : concat(this.#pending, bytes);
    this.#pending = new Uint8Array();
    for (;;) {
      if (this.#data) {
        const { streamId, isLast, leftBytes } = this.#data;
        const part = rest.subarray(0, leftBytes);
        rest = rest.subarray(part.length);
        this.#data.leftBytes -= part.length;
        const isWhole = part.length === leftBytes;
        if (isWhole) this.#data = undefined;
        if (part.length > 0 || isWhole) yield { kind: "data", streamId, bytes: part, isLast: isWhole && isLast };
        if (!isWhole) return;
      }
      if (rest.length < HEAD_BYTES) break;
      const view = new DataView(rest.buffer, rest.byteOffset, rest.byteLength);
      const first = view.getUint32(0);
      const flags = view.getUint8(4);
      const lengthBytes = view.getUint32(4) & 0xff_ff_ff;
      if (first <= MAX_STREAM_ID) {
        this.#data = { streamId: first, isLast: (flags & FLAG_FIN) !== 0, leftBytes: lengthBytes };
        rest = rest.subarray(HEAD_BYTES);
        continue;
      }
      if (((first >>> 16) & 0x7fff) !== VERSION) throw frameInvalid("it is not of SPDY/3.1");
      if (lengthBytes > MAX_CONTROL_BYTES) throw frameInvalid(`a control frame of ${lengthBytes} bytes`);
      if (rest.length < HEAD_BYTES + lengthBytes) break;
      const payload = rest.slice(HEAD_BYTES, HEAD_BYTES + lengthBytes);
      rest = rest.subarray(HEAD_BYTES + lengthBytes);
      yield { kind: "control", type: first & 0xffff, flags, payload };
    }
    this.#pending = rest.slice();
  }
}

/** A frame that carries a stream's bytes. */
export function encodeSpdyData(streamId: number, bytes: Uint8Array, isLast: boolean): Uint8Array {
  const frame = new Uint8Array(HEAD_BYTES + bytes.length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, streamId);
  view.setUint32(4, bytes.length);
  view.setUint8(4, isLast ? FLAG_FIN : 0);
  frame.set(bytes, HEAD_BYTES);
  return frame;
}

/** A control frame. */
export function encodeSpdyControl(type: number, payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(HEAD_BYTES + payload.length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, 0x80_00_00_00 + VERSION * 0x1_00_00 + type);
  view.setUint32(4, payload.length);
  frame.set(payload, HEAD_BYTES);
  return frame;
}

/**
 * Opens a stream. SPDY's headers are one zlib stream a connection; what is sent here is deflate's "stored" form, which
 * every zlib reads and which needs no compressor.
 * @param isFirst whether this is the connection's first one, which begins the zlib stream
 */
export function encodeSynStream(
  streamId: number,
  headers: Readonly<Record<string, string>>,
  isFirst: boolean,
): Uint8Array {
  const ids = new Uint8Array(10); // Also the associated stream and the priority: none.
  new DataView(ids.buffer).setUint32(0, streamId);
  const zlibHead = Uint8Array.from(isFirst ? [0x78, 0x01] : []);
  return encodeSpdyControl(spdyTypes.synStream, concat(ids, zlibHead, stored(encodeHeaders(headers))));
}

/** Accepts a stream that the other side has opened. @param isFirst like that of {@link encodeSynStream} */
export function encodeSynReply(streamId: number, isFirst: boolean): Uint8Array {
  const zlibHead = Uint8Array.from(isFirst ? [0x78, 0x01] : []);
  return encodeSpdyControl(spdyTypes.synReply, concat(uint32(streamId), zlibHead, stored(encodeHeaders({}))));
}

/** Ends a stream at once, in both directions. @param status SPDY's number for why */
export function encodeRstStream(streamId: number, status: number): Uint8Array {
  return encodeSpdyControl(spdyTypes.rstStream, concat(uint32(streamId), uint32(status)));
}

function encodeHeaders(headers: Readonly<Record<string, string>>): Uint8Array {
  const entries = Object.entries(headers);
  const words = entries.flatMap(([name, value]) => [name.toLowerCase(), value]);
  return concat(
    uint32(entries.length),
    ...words.flatMap((word) => {
      const bytes = new TextEncoder().encode(word);
      return [uint32(bytes.length), bytes];
    }),
  );
}

/** A stored block of deflate, and an empty one behind it, at which the reader hands out what it has (a sync flush). */
function stored(bytes: Uint8Array): Uint8Array {
  const length = Uint8Array.from([bytes.length & 0xff, bytes.length >>> 8]);
  const complement = length.map((byte) => ~byte);
  return concat(Uint8Array.from([0]), length, complement, bytes, Uint8Array.from([0, 0, 0, 0xff, 0xff]));
}

function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

function concat(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
