import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { connectKind, decodeConnectRequest, encodeConnectRequest } from "./connect-request.ts";
import { decodeFrame, encodeFrame, frameTypes } from "./frame.ts";

const RECORDINGS = ["08-kubectl-logs", "09-kubectl-exec", "10b-kubectl-logs-follow"];

function recordedFrames(name: string): Uint8Array[] {
  const file = new URL(`../../../fixtures/tunnel/${name}.jsonl`, import.meta.url);
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => new Uint8Array(Buffer.from((JSON.parse(line) as { base64: string }).base64, "base64")));
}

test("every recorded frame of KubeEdge's tunnel is read and written again to the same bytes", () => {
  for (const name of RECORDINGS)
    for (const bytes of recordedFrames(name)) {
      const frame = decodeFrame(bytes);
      assert.ok(frame);
      assert.deepEqual(encodeFrame(frame), bytes);
    }
});

test("every recorded request for a stream is read and written again to the same bytes", () => {
  let requests = 0;
  for (const name of RECORDINGS)
    for (const bytes of recordedFrames(name)) {
      const frame = decodeFrame(bytes);
      const kind = frame && connectKind(frame.type);
      if (!frame || !kind) continue;
      requests++;
      const request = decodeConnectRequest(kind, frame.data);
      assert.equal(
        Buffer.from(encodeConnectRequest(frame.streamId, request)).toString(),
        Buffer.from(frame.data).toString(),
      );
    }
  assert.equal(requests, 4);
});

test("the vectors of the specification hold", () => {
  const hex = (streamId: number, type: 3 | 4, data: string): string =>
    Buffer.from(encodeFrame({ streamId, type, data: new TextEncoder().encode(data) })).toString("hex");
  assert.equal(hex(300, frameTypes.data, "hi"), "ac02036869");
  assert.equal(hex(300, frameTypes.removeConnect, ""), "ac0204");
});
