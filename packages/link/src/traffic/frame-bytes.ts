import type { Direction } from "../routes.ts";

/** Bytes of a WebSocket frame with this payload: its head is longer upwards, because clients mask (RFC 6455 section 5.2). */
export function frameBytes(direction: Direction, payloadBytes: number): number {
  const length = payloadBytes < 126 ? 0 : payloadBytes < 65_536 ? 2 : 8;
  return 2 + length + (direction === "up" ? 4 : 0) + payloadBytes;
}

/** TLS 1.3 adds a head, the content's type and a checksum to each record (RFC 8446 section 5.2). */
const TLS_RECORD_BYTES = 22;
/** IPv4 and TCP with timestamps. */
const PACKET_BYTES = 52;
const SEGMENT_BYTES = 1_448;

/**
 * About how many bytes of IP traffic that many frames were: TLS, TCP and IP, and an acknowledging packet for each frame.
 * The network card counts somewhat less where answers carry the acknowledgements, and more where packets are lost.
 */
export function ipBytes(frames: number, bytesOfFrames: number): number {
  const packets = frames + Math.floor(bytesOfFrames / SEGMENT_BYTES);
  return bytesOfFrames + frames * (TLS_RECORD_BYTES + PACKET_BYTES) + packets * PACKET_BYTES;
}
