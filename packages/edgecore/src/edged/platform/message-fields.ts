import { BinaryReader } from "@bufbuild/protobuf/wire";

/** Calls for each field of a protobuf message, which is read by hand; what is not taken (false) is skipped. */
export function eachField(
  bytes: Uint8Array,
  take: (number: number, reader: BinaryReader, wireType: number) => boolean,
): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, wireType] = reader.tag();
    if (!take(number, reader, wireType)) reader.skip(wireType);
  }
}
