import { frameInvalid } from "./errors.ts";

/**
 * Types of frames on the tunnel (security.md 11.4). From `portForwardConnect` on they are Skerry's own, sent only when
 * both sides said at the upgrade that they are Skerry.
 */
export const frameTypes = {
  logsConnect: 0,
  execConnect: 1,
  metricConnect: 2,
  data: 3,
  removeConnect: 4,
  closeConnect: 5,
  attachConnect: 6,
  portForwardConnect: 7,
  /** The receiver has room for so many more bytes on this stream; data: unsigned LEB128. */
  window: 8,
} as const;

export type FrameType = (typeof frameTypes)[keyof typeof frameTypes];

/** One message of the tunnel. */
export interface Frame {
  readonly streamId: number;
  readonly type: FrameType;
  readonly data: Uint8Array;
}

/** The largest payload of a frame, as in KubeEdge. */
export const MAX_FRAME_DATA_BYTES: number = 1024 * 1024;
/** The largest frame: its payload behind two numbers of at most ten bytes. */
export const MAX_FRAME_BYTES: number = MAX_FRAME_DATA_BYTES + 20;

const KNOWN_TYPES: ReadonlySet<number> = new Set(Object.values(frameTypes));

/** The bytes of a frame: stream id and type as unsigned LEB128, then the data. */
export function encodeFrame({ streamId, type, data }: Frame): Uint8Array {
  const head = [...encodeVarint(streamId), ...encodeVarint(type)];
  const bytes = new Uint8Array(head.length + data.length);
  bytes.set(head);
  bytes.set(data, head.length);
  return bytes;
}

/**
 * Reads a frame; undefined for a type that is not known, which a newer peer may send.
 * @throws SkerryError `STREAMS_FRAME_INVALID`
 */
export function decodeFrame(bytes: Uint8Array): Frame | undefined {
  if (bytes.length > MAX_FRAME_BYTES) throw frameInvalid(`it has ${bytes.length} bytes`);
  const id = decodeVarint(bytes, 0);
  const type = decodeVarint(bytes, id.next);
  if (!KNOWN_TYPES.has(type.value)) return undefined;
  return { streamId: id.value, type: type.value as FrameType, data: bytes.subarray(type.next) };
}

/** Unsigned LEB128 of a safe integer. */
export function encodeVarint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return bytes;
}

/** @throws SkerryError `STREAMS_FRAME_INVALID` when it is cut off or larger than a safe integer */
export function decodeVarint(bytes: Uint8Array, start: number): { readonly value: number; readonly next: number } {
  let value = 0;
  let factor = 1;
  for (let at = start; at < start + 10; at++) {
    const byte = bytes[at];
    if (byte === undefined) throw frameInvalid("it ends within a number");
    value += (byte & 0x7f) * factor;
    if (!Number.isSafeInteger(value)) throw frameInvalid("a number is too large");
    if (byte < 0x80) return { value, next: at + 1 };
    factor *= 0x80;
  }
  throw frameInvalid("a number is too long");
}
