import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { silentLogger } from "@skerry/base";
import { ManualClock } from "@skerry/base/testing";
import { connectKind, decodeConnectRequest, encodeConnectRequest } from "./connect-request.ts";
import { decodeFrame, encodeFrame, frameTypes } from "./frame.ts";
import { Multiplexer } from "./multiplexer.ts";
import { connectionPair } from "./testing/index.ts";
import type { ByteStream } from "./tunnel-stream.ts";

/** kubectl port-forward is not among them: KubeEdge refuses it before its tunnel. */
const RECORDINGS = [
  "08-kubectl-logs",
  "09-kubectl-exec",
  "09b-kubectl-attach",
  "10-kubectl-stats-summary",
  "10b-kubectl-logs-follow",
];

interface RecordedFrame {
  readonly dir: "cloud->edge" | "edge->cloud";
  readonly base64: string;
}

function recording(name: string): RecordedFrame[] {
  const file = new URL(`../../../fixtures/tunnel/${name}.jsonl`, import.meta.url);
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as RecordedFrame);
}

function bytesOf({ base64 }: RecordedFrame): Uint8Array {
  return new Uint8Array(Buffer.from(base64, "base64"));
}

function recordedFrames(name: string): Uint8Array[] {
  return recording(name).map(bytesOf);
}

/** The data of each stream in one direction, joined, in the order of the streams. */
function dataOf(name: string, dir: RecordedFrame["dir"]): Map<number, string> {
  const streams = new Map<number, string>();
  for (const recorded of recording(name)) {
    const frame = decodeFrame(bytesOf(recorded));
    if (!frame || recorded.dir !== dir || frame.type !== frameTypes.data) continue;
    streams.set(frame.streamId, (streams.get(frame.streamId) ?? "") + Buffer.from(frame.data).toString("latin1"));
  }
  return streams;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function readAll(stream: ByteStream): Promise<string> {
  let text = "";
  for (let chunk = await stream.read(); chunk; chunk = await stream.read())
    text += Buffer.from(chunk).toString("latin1");
  return text;
}

test("every recorded frame of KubeEdge's tunnel is read and written again to the same bytes", () => {
  for (const name of RECORDINGS)
    for (const bytes of recordedFrames(name)) {
      const frame = decodeFrame(bytes);
      assert.ok(frame);
      assert.deepEqual(encodeFrame(frame), bytes);
    }
});

test("a recorded KubeEdge cloud is served: each request opens a stream, and what it sends arrives whole", async () => {
  let whole = 0;
  for (const name of RECORDINGS) {
    const ends = connectionPair(false);
    const received: Promise<string>[] = [];
    const edge = new Multiplexer({
      connection: ends.edge,
      clock: new ManualClock(),
      logger: silentLogger,
      serve: async (_request, stream) => {
        const all = readAll(stream);
        received.push(all);
        await all;
      },
    });
    edge.start();
    for (const recorded of recording(name)) {
      if (recorded.dir === "cloud->edge") ends.cloud.send(bytesOf(recorded));
      await turn();
    }
    const opened = recordedFrames(name).flatMap((bytes) => {
      const frame = decodeFrame(bytes);
      return frame && connectKind(frame.type) ? [frame.streamId] : [];
    });
    assert.equal(edge.status.openedStreams, opened.length, name);
    const ofCloud = dataOf(name, "cloud->edge");
    // Streams that the cloud has not ended fail with the tunnel.
    edge.close("the recording ends");
    const texts = await Promise.all(received.map((text) => text.catch(() => undefined)));
    for (const [index, text] of texts.entries()) {
      if (text === undefined) continue;
      whole++;
      assert.equal(text, ofCloud.get(opened[index] ?? -1) ?? "", name);
    }
  }
  assert.equal(whole, 4, "two of exec, one of attach, one follower");
});

test("a recorded KubeEdge edge is understood: what it answers on each stream arrives whole", async () => {
  for (const name of RECORDINGS) {
    const ends = connectionPair(false);
    const cloud = new Multiplexer({ connection: ends.cloud, clock: new ManualClock(), logger: silentLogger });
    cloud.start();
    const streams = new Map<number, Promise<string>>();
    for (const recorded of recording(name)) {
      const bytes = bytesOf(recorded);
      const frame = decodeFrame(bytes);
      assert.ok(frame);
      const kind = connectKind(frame.type);
      if (recorded.dir === "cloud->edge" && kind) {
        const stream = cloud.open(decodeConnectRequest(kind, frame.data));
        // The recorded cloud counts its streams over all recordings.
        streams.set(frame.streamId, readAll(stream));
      }
      if (recorded.dir === "edge->cloud") {
        const own = [...streams.keys()].indexOf(frame.streamId) + 1;
        ends.edge.send(encodeFrame({ ...frame, streamId: own }));
        await turn();
      }
    }
    const ofEdge = dataOf(name, "edge->cloud");
    for (const [streamId, text] of streams) assert.equal(await text, ofEdge.get(streamId) ?? "", name);
    assert.equal(cloud.status.openStreams, 0, name);
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
  assert.equal(requests, 6);
});

test("the vectors of the specification hold", () => {
  const hex = (streamId: number, type: 3 | 4, data: string): string =>
    Buffer.from(encodeFrame({ streamId, type, data: new TextEncoder().encode(data) })).toString("hex");
  assert.equal(hex(300, frameTypes.data, "hi"), "ac02036869");
  assert.equal(hex(300, frameTypes.removeConnect, ""), "ac0204");
});
