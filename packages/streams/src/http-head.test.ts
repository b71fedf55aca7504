import assert from "node:assert/strict";
import { test } from "node:test";
import { isSkerryError } from "@skerry/base";
import { encodeRequestHead, encodeResponseHead, readResponseHead } from "./http-head.ts";

function streamOf(...texts: readonly string[]): { read(): Promise<Uint8Array | undefined> } {
  const parts = texts.map((text) => new TextEncoder().encode(text));
  return { read: async () => parts.shift() };
}

test("a head is read across pieces, and what follows is kept", async () => {
  const found = await readResponseHead(
    streamOf("HTTP/1.1 101 Switching", " Protocols\r\nUpgrade: SPDY/3.1\r", "\n\r\nrest"),
  );
  assert.equal(found?.head.status, 101);
  assert.equal(found?.head.headers["upgrade"], "SPDY/3.1");
  assert.equal(Buffer.from(found?.rest ?? []).toString(), "rest");
  assert.equal(await readResponseHead(streamOf()), undefined);
});

test("an endless head, a cut-off one and one that is no HTTP are refused", async () => {
  const endless = { read: async () => new Uint8Array(1024).fill(65) };
  const refused = (error: unknown): boolean => isSkerryError(error, "STREAMS_HTTP_HEAD_INVALID");
  await assert.rejects(readResponseHead(endless), refused);
  await assert.rejects(readResponseHead(streamOf("HTTP/1.1 200 OK\r\n")), refused);
  await assert.rejects(readResponseHead(streamOf("SSH-2.0-x\r\n\r\n")), refused);
});

test("a value with a line break cannot smuggle in another header", () => {
  const head = Buffer.from(
    encodeRequestHead("GET", "/a\r\nX: y", [
      ["a", "b\r\nevil: yes"],
      ["good", "1"],
    ]),
  ).toString();
  assert.equal(head, "GET /aX: y HTTP/1.1\r\ngood: 1\r\n\r\n");
  assert.equal(
    Buffer.from(encodeResponseHead(400, "Bad Request", { a: "b" })).toString(),
    "HTTP/1.1 400 Bad Request\r\na: b\r\n\r\n",
  );
});
