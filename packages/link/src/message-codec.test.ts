import assert from "node:assert/strict";
import { test } from "node:test";
import { isSkerryError, type JsonValue } from "@skerry/base";
import fc from "fast-check";
import type { Message } from "./message.ts";
import { DEFAULT_MESSAGE_LIMITS, decodeMessage, encodeMessage } from "./message-codec.ts";

const text = fc.string({ unit: "grapheme", maxLength: 20 });
const optionalText = (name: string): fc.Arbitrary<Record<string, string>> =>
  fc
    .option(fc.string({ minLength: 1, maxLength: 20 }), { nil: undefined })
    .map((value) => (value ? { [name]: value } : {}));
const message: fc.Arbitrary<Message> = fc
  .tuple(
    fc.tuple(optionalText("parent_msg_id"), optionalText("resourceversion"), optionalText("type")),
    fc.tuple(optionalText("source"), optionalText("group"), optionalText("operation"), optionalText("resource")),
    fc.record({ msg_id: text, timestamp: fc.maxSafeNat() }),
    fc.jsonValue() as fc.Arbitrary<JsonValue>,
  )
  .map(([header, route, own, content]) => ({
    header: Object.assign({ ...own }, ...header),
    route: Object.assign({}, ...route),
    content,
  }));

test("decoding gives back what was encoded", () => {
  fc.assert(
    fc.property(message, (original) => {
      const frame = encodeMessage(original);
      assert.ok(frame.endsWith("\n"));
      assert.deepEqual(decodeMessage(frame), JSON.parse(JSON.stringify(original)));
    }),
  );
});

test("decoding any text gives a message or a coded error", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (frame) => {
      try {
        const decoded = decodeMessage(frame);
        assert.equal(typeof decoded.header.msg_id, "string");
      } catch (error) {
        assert.ok(isSkerryError(error, "LINK_MESSAGE_INVALID"), String(error));
      }
    }),
  );
});

test("a message is written byte for byte as Go writes it", () => {
  assert.equal(
    encodeMessage({
      header: { msg_id: "m-1", timestamp: 1700000000123 },
      route: { source: "websocket", group: "resource", operation: "keepalive", resource: "node" },
      content: "ping",
    }),
    '{"header":{"msg_id":"m-1","timestamp":1700000000123},"route":{"source":"websocket","group":"resource","operation":"keepalive","resource":"node"},"content":"ping"}\n',
  );
  assert.equal(
    encodeMessage({
      header: { msg_id: "", timestamp: 0, sync: false, type: "" },
      route: { source: "" },
      content: null,
    }),
    '{"header":{"msg_id":"","timestamp":0},"route":{},"content":null}\n',
  );
  assert.match(
    encodeMessage({ header: { msg_id: "", timestamp: 0 }, route: {}, content: "<a&b>\u2028" }),
    /"\\u003ca\\u0026b\\u003e\\u2028"/,
  );
});

test("member names are read without regard to case, the last spelling counting, unknown ones ignored", () => {
  const decoded = decodeMessage(
    '{"HEADER":{"Msg_ID":"a","msg_id":"b","Sync":true,"new":1},"Route":{"Source":"edged","RESOURCE":null},"x":{},"Content":[1]} \n',
  );
  assert.deepEqual(decoded, {
    header: { msg_id: "b", timestamp: 0, sync: true },
    route: { source: "edged" },
    content: [1],
  });
});

test("KubeEdge's message of zero values is read, and so is one with nothing in it", () => {
  const zero: Message = { header: { msg_id: "", timestamp: 0 }, route: {}, content: null };
  assert.deepEqual(decodeMessage('{"header":{"msg_id":"","timestamp":0},"route":{},"content":null}\n'), zero);
  assert.deepEqual(decodeMessage("{}"), zero);
  assert.deepEqual(decodeMessage("null"), zero);
});

test("a member of the wrong type is refused by name", () => {
  const cases: [string, RegExp][] = [
    ['{"header":{"timestamp":"1"}}', /header\.timestamp/],
    ['{"header":{"timestamp":1.5}}', /header\.timestamp/],
    ['{"header":{"msg_id":7}}', /header\.msg_id/],
    ['{"header":{"sync":"x"}}', /header\.sync/],
    ['{"route":{"resource":{}}}', /route\.resource/],
    ['{"route":[]}', /its route/],
    ["[]", /the message/],
    ["", /no JSON/],
    ["{} {}", /no JSON/],
  ];
  for (const [frame, finding] of cases)
    assert.throws(
      () => decodeMessage(frame),
      (error) => isSkerryError(error, "LINK_MESSAGE_INVALID") && finding.test(error.message),
      frame,
    );
});

test("a frame over the limits is refused before it is parsed", () => {
  const limits = { maxBytes: 40, maxDepth: 4 };
  const refused = (frame: string, code: string): void =>
    assert.throws(
      () => decodeMessage(frame, limits),
      (error) => isSkerryError(error, code),
      frame,
    );
  refused(`"${"ä".repeat(20)}"`, "LINK_MESSAGE_TOO_LARGE");
  refused('{"content":[[[[1]]]]}', "LINK_MESSAGE_TOO_DEEP");
  assert.equal(decodeMessage('{"content":"[[[[[[\\"[[[["}', limits).content, '[[[[[["[[[[');
  const deep = "[".repeat(1_000_000);
  assert.throws(
    () => decodeMessage(deep, DEFAULT_MESSAGE_LIMITS),
    (error) => isSkerryError(error, "LINK_MESSAGE_TOO_DEEP"),
  );
});
