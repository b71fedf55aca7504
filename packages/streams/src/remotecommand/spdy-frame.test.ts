import assert from "node:assert/strict";
import { test } from "node:test";
import { constants, createInflate } from "node:zlib";
import { isSkerryError } from "@skerry/base";
import fc from "fast-check";
import {
  encodeSpdyControl,
  encodeSpdyData,
  encodeSynStream,
  type SpdyEvent,
  SpdyFrameReader,
  spdyTypes,
} from "./spdy-frame.ts";

/** What a reader makes of bytes that come in these pieces; the parts of a data frame are joined. */
function readAll(pieces: readonly Uint8Array[]): SpdyEvent[] {
  const reader = new SpdyFrameReader();
  const events: SpdyEvent[] = [];
  let begun: Extract<SpdyEvent, { kind: "data" }> | undefined;
  for (const event of pieces.flatMap((piece) => [...reader.read(piece)])) {
    if (event.kind === "control") {
      events.push(event);
      continue;
    }
    begun = begun ? { ...event, bytes: Uint8Array.from([...begun.bytes, ...event.bytes]) } : event;
    if (!event.isLast) continue;
    events.push(begun);
    begun = undefined;
  }
  return events;
}

test("frames are read the same however the network cuts them", () => {
  const frames = fc.array(
    fc.oneof(
      fc.record({ streamId: fc.integer({ min: 1, max: 0x7fffffff }), data: fc.uint8Array({ maxLength: 50 }) }),
      fc.record({ type: fc.constantFrom(...Object.values(spdyTypes)), payload: fc.uint8Array({ maxLength: 50 }) }),
    ),
    { maxLength: 6 },
  );
  fc.assert(
    fc.property(frames, fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }), (sent, cuts) => {
      const whole = Buffer.concat(
        sent.map((frame) =>
          "type" in frame
            ? encodeSpdyControl(frame.type, frame.payload)
            : encodeSpdyData(frame.streamId, frame.data, true),
        ),
      );
      const pieces: Uint8Array[] = [];
      for (let at = 0, cut = 0; at < whole.length; at += cuts[cut++ % cuts.length] ?? 1)
        pieces.push(whole.subarray(at, at + (cuts[cut % cuts.length] ?? 1)));
      const read = readAll(pieces).map((event) =>
        event.kind === "data"
          ? { streamId: event.streamId, data: [...event.bytes] }
          : { type: event.type, payload: [...event.payload] },
      );
      const expected = sent.map((frame) =>
        "type" in frame
          ? { type: frame.type, payload: [...frame.payload] }
          : { streamId: frame.streamId, data: [...frame.data] },
      );
      assert.deepEqual(read, expected);
    }),
  );
});

test("the headers of all streams of a connection are one zlib stream with SPDY's words in it", async () => {
  const inflate = createInflate({ finishFlush: constants.Z_SYNC_FLUSH });
  for (const [at, name] of ["error", "stdout"].entries()) {
    const [event] = readAll([encodeSynStream(2 * at + 1, { streamType: name }, at === 0)]);
    assert.ok(event?.kind === "control" && event.type === spdyTypes.synStream);
    assert.equal(new DataView(event.payload.buffer, event.payload.byteOffset).getUint32(0), 2 * at + 1);
    inflate.write(event.payload.subarray(10));
  }
  inflate.end();
  let inflated = Buffer.alloc(0);
  for await (const chunk of inflate) inflated = Buffer.concat([inflated, chunk as Buffer]);
  const block = (value: string): string =>
    `\0\0\0\x01\0\0\0\x0astreamtype\0\0\0${String.fromCharCode(value.length)}${value}`;
  assert.equal(inflated.toString("latin1"), block("error") + block("stdout"));
});

test("an endless control frame and another protocol are refused before they are gathered", () => {
  const refused = (head: readonly number[]): void =>
    assert.throws(
      () => [...new SpdyFrameReader().read(Uint8Array.from(head))],
      (error) => isSkerryError(error, "STREAMS_FRAME_INVALID"),
    );
  refused([0x80, 3, 0, 2, 0, 1, 0, 1]);
  refused([0x80, 2, 0, 2, 0, 0, 0, 4]);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        for (const event of new SpdyFrameReader().read(bytes)) assert.ok(event.kind === "data" || event.payload);
      } catch (error) {
        assert.ok(isSkerryError(error, "STREAMS_FRAME_INVALID"));
      }
    }),
  );
});
