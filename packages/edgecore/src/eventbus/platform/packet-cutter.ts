/** A packet's length has at most so many bytes (MQTT 3.1.1, 2.2.3). */
const LONGEST_LENGTH = 4;

/** Cuts what comes over a connection into MQTT packets, wherever its pieces end (MQTT 3.1.1, 2.2). */
export class PacketCutter {
  #rest: Buffer | undefined;

  /**
   * Tells each packet that is whole now, in their order; what has begun is kept for the next piece. A length that is none
   * is told with all that follows it, for whoever reads packets to find out.
   */
  cut(piece: Buffer, onPacket: (packet: Buffer) => void): void {
    const bytes = this.#rest === undefined ? piece : Buffer.concat([this.#rest, piece]);
    this.#rest = undefined;
    for (let at = 0; at < bytes.length; ) {
      const end = endOfPacket(bytes, at);
      if (end === undefined) {
        this.#rest = bytes.subarray(at);
        return;
      }
      onPacket(bytes.subarray(at, end));
      at = end;
    }
  }
}

/** Where the first packet's content begins, behind its type and length. */
export function contentOffset(packet: Buffer): number {
  let at = 1;
  while (at <= LONGEST_LENGTH && (packet[at] ?? 0) >= 0x80) at++;
  return at + 1;
}

/** Undefined when it is not there yet. */
function endOfPacket(bytes: Buffer, start: number): number | undefined {
  let length = 0;
  for (let index = 0; index < LONGEST_LENGTH; index++) {
    const byte = bytes[start + 1 + index];
    if (byte === undefined) return undefined;
    length += (byte & 0x7f) * 0x80 ** index;
    if (byte >= 0x80) continue;
    const end = start + 2 + index + length;
    return end > bytes.length ? undefined : end;
  }
  return bytes.length;
}
