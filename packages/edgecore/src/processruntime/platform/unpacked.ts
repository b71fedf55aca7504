import { pipeline, Readable } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";

/** The bytes as they were before they were packed by gzip or zstd, which is seen at their beginning. */
export async function unpacked(content: Readable): Promise<Readable> {
  const iterator = (content as AsyncIterable<Buffer>)[Symbol.asyncIterator]();
  const head: Buffer[] = [];
  let headBytes = 0;
  let isDone = false;
  while (headBytes < 4 && !isDone) {
    const next = await iterator.next();
    isDone = next.done === true;
    if (!next.done) {
      head.push(next.value);
      headBytes += next.value.length;
    }
  }
  const begin = Buffer.concat(head);
  const whole = Readable.from(rejoined(begin, iterator));
  const unpacker =
    begin[0] === 0x1f && begin[1] === 0x8b
      ? createGunzip()
      : begin.length >= 4 && begin.readUInt32LE(0) === 0xfd2fb528
        ? createZstdDecompress()
        : undefined;
  // Also when nothing was read of it: then its generator has not begun, and ends nothing.
  whole.once("close", () => content.destroy());
  // What fails is told to who reads the result.
  return unpacker ? pipeline(whole, unpacker, () => undefined) : whole;
}

async function* rejoined(begin: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  if (begin.length > 0) yield begin;
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
}
