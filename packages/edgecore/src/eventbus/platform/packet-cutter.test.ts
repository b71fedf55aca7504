import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { contentOffset, PacketCutter } from "./packet-cutter.ts";

/** Around each length at which the length itself gets longer. */
const length = fc.oneof(fc.nat(300), fc.constantFrom(127, 128, 16_383, 16_384));

function packet(contentBytes: number): Buffer {
  const head = [0x32];
  for (let rest = contentBytes; ; rest >>= 7) {
    head.push(rest > 0x7f ? (rest & 0x7f) | 0x80 : rest);
    if (rest <= 0x7f) break;
  }
  return Buffer.concat([Buffer.from(head), Buffer.alloc(contentBytes, contentBytes)]);
}

function cutAll(pieces: readonly Buffer[]): Buffer[] {
  const [cutter, packets] = [new PacketCutter(), [] as Buffer[]];
  for (const piece of pieces) cutter.cut(piece, (each) => packets.push(Buffer.from(each)));
  return packets;
}

test("packets are the same wherever the pieces in which they come end", () => {
  fc.assert(
    fc.property(fc.array(length, { maxLength: 8 }), fc.array(fc.nat(40_000), { maxLength: 6 }), (lengths, ends) => {
      const packets = lengths.map(packet);
      const bytes = Buffer.concat(packets);
      const cuts = [...ends.filter((end) => end < bytes.length), bytes.length].sort((a, b) => a - b);
      const pieces = cuts.map((end, index) => bytes.subarray(cuts[index - 1] ?? 0, end));
      assert.deepEqual(cutAll(pieces), packets);
      for (const [index, each] of packets.entries())
        assert.equal(each.length - contentOffset(each), lengths[index], "what is behind the head");
    }),
  );
});

test("a packet whose length is none is told with all that follows", () => {
  const broken = Buffer.from([0x32, 0xff, 0xff, 0xff, 0xff, 0x01, 0x00]);
  assert.deepEqual(cutAll([Buffer.concat([packet(3), broken])]), [packet(3), broken]);
});
