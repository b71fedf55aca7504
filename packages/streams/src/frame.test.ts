import assert from "node:assert/strict";
import { test } from "node:test";
import { isSkerryError } from "@skerry/base";
import fc from "fast-check";
import { decodeConnectRequest } from "./connect-request.ts";
import { decodeFrame, encodeFrame, type FrameType, frameTypes, MAX_FRAME_BYTES } from "./frame.ts";

test("any frame is read as it was written", () => {
  const frames = fc.record({
    streamId: fc.maxSafeNat(),
    type: fc.constantFrom<FrameType[]>(...Object.values(frameTypes)),
    data: fc.uint8Array({ maxLength: 300 }),
  });
  fc.assert(fc.property(frames, (frame) => assert.deepEqual(decodeFrame(encodeFrame(frame)), { ...frame })));
});

test("foreign bytes are a frame, an unknown type or a coded error, never anything else", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      try {
        decodeFrame(bytes);
      } catch (error) {
        assert.ok(isSkerryError(error, "STREAMS_FRAME_INVALID"));
      }
    }),
  );
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 3 }), (parts) => {
      try {
        decodeConnectRequest("exec", new Uint8Array(Buffer.concat(parts)));
      } catch (error) {
        assert.ok(isSkerryError(error, "STREAMS_REQUEST_INVALID"));
      }
    }),
  );
});

test("a frame that is too large, cut off or has an endless number is refused", () => {
  const refused = (bytes: Uint8Array): void =>
    assert.throws(
      () => decodeFrame(bytes),
      (error) => isSkerryError(error, "STREAMS_FRAME_INVALID"),
    );
  refused(new Uint8Array(MAX_FRAME_BYTES + 1));
  refused(new Uint8Array());
  refused(Uint8Array.of(0x80));
  refused(new Uint8Array(30).fill(0xff));
  assert.equal(decodeFrame(Uint8Array.of(1, 77)), undefined);
});
