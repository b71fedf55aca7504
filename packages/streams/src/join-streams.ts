import type { ByteStream } from "./tunnel-stream.ts";

/** Carries bytes between two streams, with back-pressure both ways, until either ends; ends the other then. */
export async function joinStreams(left: ByteStream, right: ByteStream): Promise<void> {
  const carry = async (from: ByteStream, to: ByteStream): Promise<void> => {
    try {
      for (let bytes = await from.read(); bytes; bytes = await from.read()) await to.write(bytes);
    } catch {
      // Broken off on one side: both end.
    } finally {
      from.close();
      to.close();
    }
  };
  await Promise.all([carry(left, right), carry(right, left)]);
}
