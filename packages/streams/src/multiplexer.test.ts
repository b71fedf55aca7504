import assert from "node:assert/strict";
import { test } from "node:test";
import { isSkerryError, silentLogger } from "@skerry/base";
import { ManualClock, settle } from "@skerry/base/testing";
import type { ConnectRequest } from "./connect-request.ts";
import { encodeFrame, frameTypes } from "./frame.ts";
import { Multiplexer } from "./multiplexer.ts";
import { connectionPair, type MemoryConnection } from "./testing/connection-pair.ts";
import { type ByteStream, WINDOW_BYTES } from "./tunnel-stream.ts";

const logs: ConnectRequest = { kind: "logs", method: "GET", path: "/containerLogs/a/b/c", query: "", headers: {} };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

interface Pair {
  readonly clock: ManualClock;
  readonly cloud: Multiplexer;
  readonly edge: Multiplexer;
  readonly ends: { cloud: MemoryConnection; edge: MemoryConnection };
}

function pair(
  serve: (request: ConnectRequest, stream: ByteStream) => Promise<void>,
  options: { speaksSkerry?: boolean; maxStreams?: number } = {},
): Pair {
  const clock = new ManualClock();
  const ends = connectionPair(options.speaksSkerry ?? true);
  const limit = options.maxStreams === undefined ? {} : { maxStreams: options.maxStreams };
  const cloud = new Multiplexer({ connection: ends.cloud, clock, logger: silentLogger, ...limit });
  const edge = new Multiplexer({ connection: ends.edge, clock, logger: silentLogger, serve, ...limit });
  cloud.start();
  edge.start();
  return { clock, cloud, edge, ends };
}

async function readAll(stream: ByteStream): Promise<string> {
  let text = "";
  for (;;) {
    const chunk = await stream.read();
    if (!chunk) return text;
    text += new TextDecoder().decode(chunk);
  }
}

test("a stream carries bytes both ways and ends on both sides", async () => {
  const { cloud, edge } = pair(async (request, stream) => {
    assert.equal(request.path, "/containerLogs/a/b/c");
    const asked = await stream.read();
    await stream.write(bytes(`you said ${new TextDecoder().decode(asked)}`));
  });
  const stream = cloud.open(logs);
  await stream.write(bytes("hello"));
  assert.equal(await readAll(stream), "you said hello");
  assert.ok(stream.closed.aborted);
  assert.deepEqual([cloud.status.openStreams, edge.status.openStreams], [0, 0]);
});

test("a slow reader holds up its own stream at one window, and no other", async () => {
  let written = 0;
  const { cloud } = pair(async (request, stream) => {
    if (request.query === "fast") {
      await stream.write(bytes("at once"));
      return;
    }
    for (let part = 0; part < 64; part++) {
      await stream.write(new Uint8Array(16 * 1024));
      written += 16 * 1024;
    }
  });
  const slow = cloud.open(logs);
  await settle();
  assert.equal(written, WINDOW_BYTES);
  assert.equal(await readAll(cloud.open({ ...logs, query: "fast" })), "at once");
  let read = 0;
  for (let chunk = await slow.read(); chunk; chunk = await slow.read()) read += chunk.length;
  assert.equal(read, 64 * 16 * 1024);
});

test("a peer that sends beyond its window loses that stream only", async () => {
  const { cloud, ends } = pair(async (_request, stream) => void (await stream.read()));
  const stream = cloud.open(logs);
  const other = cloud.open(logs);
  const flood = encodeFrame({ streamId: 1, type: frameTypes.data, data: new Uint8Array(100 * 1024) });
  for (let frame = 0; frame < 3; frame++) ends.cloud.receive(flood);
  await stream.read();
  await stream.read();
  await assert.rejects(stream.read(), (error) => isSkerryError(error, "STREAMS_WINDOW_EXCEEDED"));
  assert.equal(other.closed.aborted, false);
});

test("a peer without windows may leave 4 MiB waiting on a stream and 16 MiB on all of its streams", async () => {
  const { cloud, ends } = pair(() => new Promise(() => undefined), { speaksSkerry: false });
  const streams = Array.from({ length: 6 }, () => cloud.open(logs));
  const send = (streamId: number): void =>
    ends.cloud.receive(encodeFrame({ streamId, type: frameTypes.data, data: new Uint8Array(512 * 1024) }));
  for (let frame = 0; frame < 9; frame++) send(1);
  for (let streamId = 2; streamId <= 6; streamId++) for (let frame = 0; frame < 8; frame++) send(streamId);
  const ended = streams.map(({ closed }) => closed.aborted);
  assert.deepEqual(ended, [true, false, false, false, false, true]);
  const read = async (stream: ByteStream): Promise<void> => {
    while (await stream.read());
  };
  for (const at of [0, 5]) {
    const stream = streams[at];
    assert.ok(stream);
    await assert.rejects(read(stream), (error) => isSkerryError(error, "STREAMS_WINDOW_EXCEEDED"));
  }
});

test("the streams of one tunnel are limited, and a refusal is counted", () => {
  const { cloud } = pair(() => new Promise(() => undefined), { maxStreams: 2 });
  cloud.open(logs);
  cloud.open(logs);
  assert.throws(
    () => cloud.open(logs),
    (error) => isSkerryError(error, "STREAMS_TOO_MANY"),
  );
  assert.equal(cloud.status.refusedStreams, 1);
});

test("an edge can neither open streams nor answer for another's", async () => {
  const { cloud, ends } = pair(() => new Promise(() => undefined));
  const stream = cloud.open(logs);
  ends.cloud.receive(encodeFrame({ streamId: 7, type: frameTypes.data, data: bytes("not mine") }));
  ends.cloud.receive(encodeFrame({ streamId: 9, type: frameTypes.execConnect, data: bytes('{"url":{}}') }));
  assert.equal(cloud.status.ignoredFrames, 1);
  assert.equal(cloud.status.refusedStreams, 1);
  assert.equal(cloud.status.openStreams, 1);
  stream.close();
});

test("a peer that floods with what is for no stream loses its tunnel; some that is late does no harm", () => {
  const floods: Record<string, (end: MemoryConnection) => void> = {
    "data of an ended stream": (end) =>
      end.receive(encodeFrame({ streamId: 7, type: frameTypes.data, data: bytes("late") })),
    "requests of its own": (end) =>
      end.receive(encodeFrame({ streamId: 9, type: frameTypes.execConnect, data: bytes('{"url":{}}') })),
    "empty data": (end) => end.receive(encodeFrame({ streamId: 1, type: frameTypes.data, data: new Uint8Array() })),
    credit: (end) => end.receive(encodeFrame({ streamId: 1, type: frameTypes.window, data: Uint8Array.of(1) })),
    pings: (end) => end.alive(),
  };
  for (const [name, flood] of Object.entries(floods)) {
    const { cloud, ends } = pair(() => new Promise(() => undefined));
    cloud.open(logs);
    for (let count = 0; count < 10_000; count++) flood(ends.cloud);
    assert.equal(cloud.ended.aborted, false, `${name}: a burst is let pass`);
    for (let count = 0; count < 40_000; count++) flood(ends.cloud);
    assert.equal(cloud.ended.aborted, true, name);
    assert.ok(
      ends.cloud.sent.length < 10_100,
      `${name}: ${ends.cloud.sent.length} frames for a peer that may not read`,
    );
  }
});

test("what is no frame ends the tunnel and every stream with a reason", async () => {
  const { cloud, ends } = pair(() => new Promise(() => undefined));
  const stream = cloud.open(logs);
  ends.cloud.receive(new Uint8Array(20).fill(0xff));
  await assert.rejects(stream.read(), (error) => isSkerryError(error, "STREAMS_CLOSED"));
  assert.ok(cloud.ended.aborted);
});

test("a peer that is silent for fifteen seconds is given up", async () => {
  const { cloud, ends, clock } = pair(() => new Promise(() => undefined));
  const stream = cloud.open(logs);
  await clock.advance(60_000);
  assert.equal(cloud.ended.aborted, false);
  ends.cloud.peer = undefined;
  ends.edge.peer = undefined;
  await clock.advance(21_000);
  assert.ok(cloud.ended.aborted);
  await assert.rejects(stream.read(), /silent for 15 s/);
});

// Found with KubeEdge's CloudCore: the tunnel of a node that had just joined was given up, and kubectl logs hung from then on.
test("KubeEdge's cloud may take two minutes to its first sign, and fifteen seconds after it", async () => {
  const { edge, ends, clock } = pair(async () => undefined, { speaksSkerry: false });
  ends.cloud.peer = undefined;
  await clock.advance(120_000);
  assert.equal(edge.ended.aborted, false);
  ends.edge.alive();
  await clock.advance(14_000);
  assert.equal(edge.ended.aborted, false);
  await clock.advance(6_000);
  assert.match(String(edge.ended.reason), /silent for 15 s/);
});

test("a tunnel to KubeEdge's cloud that never shows a sign is given up", async () => {
  const { edge, ends, clock } = pair(async () => undefined, { speaksSkerry: false });
  ends.cloud.peer = undefined;
  await clock.advance(160_000);
  assert.match(String(edge.ended.reason), /silent for 150 s/);
});

test("a KubeEdge peer gets no frame types that it does not know, and its end of a stream is answered", async () => {
  const { cloud, ends } = pair(async (_request, stream) => void (await stream.read()), { speaksSkerry: false });
  const stream = cloud.open(logs);
  await settle();
  stream.close();
  await settle();
  const types = [...ends.cloud.sent, ...ends.edge.sent].map((frame) => frame[1]);
  assert.deepEqual(types, [frameTypes.logsConnect, frameTypes.removeConnect, frameTypes.removeConnect]);
});
