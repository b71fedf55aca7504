/** All bytes of a request or answer; undefined when there are more than allowed, and then the rest is not read. */
export async function readBody(
  chunks: AsyncIterable<Uint8Array>,
  limitBytes: number,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const read: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of chunks) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > limitBytes) return undefined;
    read.push(chunk);
  }
  return new Uint8Array(Buffer.concat(read));
}
