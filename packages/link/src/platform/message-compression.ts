import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import { MESSAGE_DICTIONARY } from "../compression/message-dictionary.ts";
import { messageInvalid, messageTooLarge } from "../errors.ts";

// Each message by itself, as raw deflate with a common dictionary: nothing is kept per connection, and how long one
// message becomes says nothing about another. bench/README.md has what it saves and costs.

/** Header of both halves of the upgrade, lower case: this form of compression is spoken. Never sent to KubeEdge. */
export const COMPRESSION_HEADER = "skerry-compression";

/** Value of {@link COMPRESSION_HEADER}: the format together with the dictionary. */
export const COMPRESSION_NAME = "deflate-1";

/** Smaller ones gain less than a tenth of what their packet has on the network. */
const MIN_BYTES = 200;
/** From here on speed counts for more than the last tenth of the size. */
const LARGE_BYTES = 64 * 1024;
/**
 * A window that has room for the dictionary and most messages, and small tables. It compresses as well as the usual 256 KiB,
 * in half of the time, as malloc takes what is larger from the system each time (`MALLOC_MMAP_THRESHOLD_` of Skerry's parts).
 */
const SMALL = { windowBits: 14, memLevel: 5 } as const;
/** What of the window deflate does not look back at. */
const WINDOW_REST_BYTES = 262;
/** What shrinks more is not sent so, and not expanded: a few bytes must not cost the receiver megabytes. */
const MAX_RATIO = 64;
const FREE_BYTES = 1024;

const dictionary = Buffer.from(MESSAGE_DICTIONARY);

/** The message compressed; undefined when it is better sent as it is. */
export function compressMessage(text: string): Uint8Array | undefined {
  if (text.length < MIN_BYTES) return undefined;
  const bytes = Buffer.from(text, "utf8");
  const level = bytes.length < LARGE_BYTES ? constants.Z_DEFAULT_COMPRESSION : constants.Z_BEST_SPEED;
  const isSmall = dictionary.length + bytes.length <= 2 ** SMALL.windowBits - WINDOW_REST_BYTES;
  const compressed = deflateRawSync(bytes, { dictionary, level, ...(isSmall ? SMALL : {}) });
  const isWorthIt = compressed.length < bytes.length && bytes.length <= largestOf(compressed);
  return isWorthIt ? compressed : undefined;
}

/**
 * The message that was compressed.
 * @throws SkerryError `LINK_MESSAGE_TOO_LARGE`, `LINK_MESSAGE_INVALID`
 */
export function expandMessage(compressed: Uint8Array, maxBytes: number): string {
  const limitBytes = Math.min(maxBytes, largestOf(compressed));
  try {
    return inflateRawSync(compressed, { dictionary, maxOutputLength: limitBytes }).toString("utf8");
  } catch (error) {
    const isTooLarge = error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE";
    throw isTooLarge ? messageTooLarge(limitBytes + 1, limitBytes) : messageInvalid("it cannot be expanded", error);
  }
}

function largestOf(compressed: Uint8Array): number {
  return FREE_BYTES + MAX_RATIO * compressed.length;
}
