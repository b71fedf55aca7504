/** A packet's length has at most so many bytes (MQTT 3.1.1, 2.2.3). */
const LONGEST_LENGTH = 4;

/** Cuts what comes over a connection into MQTT packets, wherever its pieces end (MQTT 3.1.1, 2.2). */
export class PacketCutter {
  /** Of a packet that is not whole yet, and how many bytes are needed to go on with it. */
  #pieces: Buffer[] = [];
  #size = 0;
  #needed = 0;

  /**
   * Tells each packet that is whole now, in their order; what has begun is kept for the next piece. A length that is none
   * is told with all that follows it, for whoever reads packets to find out.
   */
  cut(piece: Buffer, onPacket: (packet: Buffer) => void): void {
    this.#pieces.push(piece);
    this.#size += piece.length;
    if (this.#size < this.#needed) return;
    const bytes = this.#pieces.length === 1 ? piece : Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#size = 0;
    this.#needed = 0;
    for (let at = 0; at < bytes.length; ) {
      const end = endOfPacket(bytes, at);
      if (end === undefined || end > bytes.length) {
        this.#pieces = [bytes.subarray(at)];
        this.#size = bytes.length - at;
        this.#needed = (end ?? at) - at;
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

/** Undefined while its length is not there yet. */
function endOfPacket(bytes: Buffer, start: number): number | undefined {
  let length = 0;
  for (let index = 0; index < LONGEST_LENGTH; index++) {
    const byte = bytes[start + 1 + index];
    if (byte === undefined) return undefined;
    length += (byte & 0x7f) * 0x80 ** index;
    if (byte >= 0x80) continue;
    return start + 2 + index + length;
  }
  return bytes.length;
}
