import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonValue } from "@skerry/base";
import type { Message } from "../message.ts";
import { routeOf } from "../routes.ts";
import { toSampleBlock } from "./sample-block.ts";
import {
  appendContent,
  queryContent,
  readTelemetryAnswer,
  readTelemetryRequest,
  telemetryRoute,
} from "./telemetry-messages.ts";

function message(operation: "append" | "query", content: JsonValue): Message {
  return { header: { msg_id: "1", timestamp: 0 }, route: telemetryRoute(operation), content };
}

function block(first: number): ReturnType<typeof toSampleBlock> {
  return toSampleBlock(first, [{ deviceId: "d/a", property: "t", value: "1", timestampMs: 5 }]);
}

test("messages about samples are read as they were written", () => {
  const blocks = [block(4), block(7)];
  assert.deepEqual(readTelemetryRequest(message("append", appendContent({ stream: "s", base: 3 }, 2, blocks))), {
    kind: "append",
    stream: "s",
    base: 3,
    after: 2,
    afterStream: undefined,
    blocks,
  });
  const following = readTelemetryRequest(message("append", appendContent({ stream: "s", base: 3 }, 3, blocks, "r")));
  assert.deepEqual(following, { kind: "append", stream: "s", base: 3, after: 3, afterStream: "r", blocks });
  const { after: _, ...older } = appendContent({ stream: "s", base: 3 }, 2, blocks);
  assert.deepEqual(
    readTelemetryRequest(message("append", older)),
    { kind: "append", stream: "s", base: 3, after: undefined, afterStream: undefined, blocks },
    "of an edge that does not say what the cloud has",
  );
  assert.deepEqual(readTelemetryRequest(message("query", queryContent("s"))), { kind: "query", stream: "s" });
  assert.deepEqual(readTelemetryAnswer({ cursor: 9 }), { cursor: 9 });
});

test("samples are a traffic class of their own, both ways", () => {
  assert.equal(routeOf("up", message("append", queryContent("s")))?.traffic, "telemetry");
  const answer = { ...message("append", { cursor: 1 }), route: { ...telemetryRoute("append"), operation: "response" } };
  assert.equal(routeOf("down", answer)?.traffic, "telemetry");
});

test("messages that are not well formed are not read", () => {
  const append = (stream: string, base: number, blocks: ReturnType<typeof block>[]): JsonValue =>
    appendContent({ stream, base }, 0, blocks);
  const wrong: JsonValue[] = [
    "x",
    {},
    append("", 0, [block(1)]),
    append("s".repeat(65), 0, [block(1)]),
    append("s", -1, [block(1)]),
    { ...appendContent({ stream: "s", base: 0 }, 0, [block(1)]), after: -1 },
    { ...appendContent({ stream: "s", base: 0 }, 0, [block(1)]), after: "1" },
    { ...appendContent({ stream: "s", base: 0 }, 0, [block(1)]), afterStream: "s".repeat(65) },
    append("s", 0, []),
    append("s", 1, [block(1)]),
    append("s", 0, [block(2), block(1)]),
    append("s", 0, [block(2), block(2)]),
    append(
      "s",
      0,
      Array.from({ length: 257 }, (_, index) => block(index + 1)),
    ),
  ];
  for (const content of wrong) assert.equal(readTelemetryRequest(message("append", content)), undefined);
  for (const content of [null, {}, { cursor: -1 }, { cursor: "1" }, { ErrStatus: {} }])
    assert.equal(readTelemetryAnswer(content), undefined);
});
