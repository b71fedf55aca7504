import { Transform, type TransformCallback } from "node:stream";
import { brokerPacketTooLarge } from "./errors.ts";

/** The remaining length of a packet has at most four bytes of seven bits (MQTT 3.1.1, 2.2.3). */
const LONGEST_LENGTH_BYTES = 4;

/**
 * Passes on what a client sends and ends with an error as soon as a packet announces more than `limitBytes`: the broker
 * would collect it to its end, up to 256 MB, before it looks at its size.
 */
export class PacketGate extends Transform {
  readonly #limitBytes: number;
  /** Bytes of the present packet that are still to come. */
  #restBytes = 0;
  /** Bytes read of its fixed header; 0 before the first one. */
  #headerBytes = 0;
  #lengthSoFar = 0;

  constructor(limitBytes: number) {
    super();
    this.#limitBytes = limitBytes;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    try {
      this.#follow(chunk);
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    done(null, chunk);
  }

  #follow(chunk: Buffer): void {
    for (let index = 0; index < chunk.length; ) {
      if (this.#restBytes > 0) {
        const passed = Math.min(this.#restBytes, chunk.length - index);
        this.#restBytes -= passed;
        index += passed;
        continue;
      }
      this.#readHeader(chunk[index] ?? 0);
      index++;
    }
  }

  #readHeader(byte: number): void {
    const position = this.#headerBytes++;
    // The first byte is the packet's type and flags.
    if (position === 0) return;
    this.#lengthSoFar += (byte & 0x7f) * 128 ** (position - 1);
    const isLast = byte < 0x80;
    if (this.#lengthSoFar > this.#limitBytes || (!isLast && position >= LONGEST_LENGTH_BYTES))
      throw brokerPacketTooLarge(this.#limitBytes);
    if (!isLast) return;
    this.#restBytes = this.#lengthSoFar;
    this.#lengthSoFar = 0;
    this.#headerBytes = 0;
  }
}
