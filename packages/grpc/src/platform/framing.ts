/** Length of what precedes each message: whether it is compressed, and its length. */
export const FRAME_HEADER_BYTES = 5;

/** gRPC's length-prefixed message, uncompressed. */
export function frame(message: Uint8Array): Buffer {
  const framed = Buffer.alloc(FRAME_HEADER_BYTES + message.length);
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, FRAME_HEADER_BYTES);
  return framed;
}

/** The one message of a body; undefined when it is not exactly one uncompressed message. */
export function unframe(body: Buffer): Uint8Array | undefined {
  if (body.length < FRAME_HEADER_BYTES || body[0] !== 0) return undefined;
  if (body.readUInt32BE(1) !== body.length - FRAME_HEADER_BYTES) return undefined;
  return new Uint8Array(body.subarray(FRAME_HEADER_BYTES));
}

/** Takes a body apart that comes in pieces and has any number of messages. */
export class FrameReader {
  readonly #maximumBytes: number;
  #rest: Buffer = Buffer.alloc(0);

  /** @param maximumBytes of one message */
  constructor(maximumBytes: number) {
    this.#maximumBytes = maximumBytes;
  }

  /** The messages that are complete with this piece; undefined when one is compressed or too large. */
  push(piece: Buffer): Uint8Array[] | undefined {
    this.#rest = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]);
    const messages: Uint8Array[] = [];
    while (this.#rest.length >= FRAME_HEADER_BYTES) {
      const length = this.#rest.readUInt32BE(1);
      if (this.#rest[0] !== 0 || length > this.#maximumBytes) return undefined;
      const end = FRAME_HEADER_BYTES + length;
      if (this.#rest.length < end) break;
      messages.push(new Uint8Array(this.#rest.subarray(FRAME_HEADER_BYTES, end)));
      this.#rest = this.#rest.subarray(end);
    }
    return messages;
  }
}

/** `grpc-message` as it is sent: what is not printable ASCII, and `%`, is percent-encoded. */
export function encodeStatusMessage(text: string): string {
  return text.toWellFormed().replace(/[^ -$&-~]+/g, encodeURIComponent);
}

/** `grpc-message` as it was meant. */
export function decodeStatusMessage(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
