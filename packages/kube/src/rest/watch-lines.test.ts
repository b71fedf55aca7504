import assert from "node:assert/strict";
import { test } from "node:test";
import { isSkerryError } from "@skerry/base";
import fc from "fast-check";
import { parseWatchLine, splitLines } from "./watch-lines.ts";

async function* inChunks(bytes: Uint8Array, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  let start = 0;
  for (const cut of [...cuts, bytes.length].map((each) => Math.min(each, bytes.length)).sort((a, b) => a - b)) {
    yield bytes.subarray(start, cut);
    start = cut;
  }
}

test("lines come out the same however the stream is cut, even inside a character", async () => {
  const line = fc.string({ unit: "grapheme", maxLength: 20 }).map((text) => text.replaceAll("\n", ""));
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 8 }), fc.array(fc.nat(200)), async (lines, cuts) => {
      const bytes = new TextEncoder().encode(lines.map((each) => `${each}\n`).join(""));
      const seen: string[] = [];
      for await (const each of splitLines(inChunks(bytes, cuts), 10_000)) seen.push(each);
      assert.deepEqual(seen, lines);
    }),
  );
});

test("a line beyond the limit is refused before its end has come", async () => {
  const read = async (): Promise<void> => {
    for await (const _line of splitLines(inChunks(new Uint8Array(2_000).fill(97), [500, 1_000, 1_500]), 1_000));
  };
  await assert.rejects(read(), (error) => isSkerryError(error, "KUBE_WATCH_LINE_TOO_LONG"));
});

test("a line that is no watch event is refused with its code", () => {
  for (const line of [
    "",
    "x",
    "[]",
    "{}",
    '{"type":"ADDED"}',
    '{"type":"GROWN","object":{}}',
    '{"type":"ADDED","object":{}}',
  ])
    assert.throws(
      () => parseWatchLine(line),
      (error) => isSkerryError(error, "KUBE_MALFORMED_ANSWER"),
      line,
    );
});
