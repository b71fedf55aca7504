import assert from "node:assert/strict";
import { buffer, text } from "node:stream/consumers";
import { test } from "node:test";
import { constants, deflateRawSync, deflateSync } from "node:zlib";
import { PortForwardBridge } from "../remotecommand/port-forward-bridge.ts";
import { RemoteCommandBridge } from "../remotecommand/remote-command-bridge.ts";
import { encodeSpdyControl, encodeSpdyData, encodeSynStream, spdyTypes } from "../remotecommand/spdy-frame.ts";
import { spdyDictionary } from "../remotecommand/spdy-headers.ts";
import { SpdyServer, type SpdyStream } from "./spdy-server.ts";
import { socketPair } from "./testing/socket-pair.ts";

test("what a client of exec opens is told by name, and bytes and ends go both ways", async () => {
  const [client, socket] = await socketPair();
  const server = new SpdyServer(socket, (stream) => {
    const name = stream.headers.get("streamtype");
    if (name === "stdout") stream.end("said");
    else if (name === "stdin") {
      stream.end();
      void text(stream).then(heard.resolve);
    } else stream.end();
  });
  const heard = Promise.withResolvers<string>();
  const served = server.serve();
  const answers: string[] = [];
  const ended = Promise.withResolvers<void>();
  const bridge = new RemoteCommandBridge(
    { stdin: true, stdout: true, stderr: false, tty: false },
    {
      sendToRuntime: (bytes) => void client.write(bytes),
      sendToClient: ([channel = 0, ...bytes]) => answers.push(`${channel}:${Buffer.from(bytes).toString()}`),
      end: () => ended.resolve(),
    },
  );
  client.on("data", (bytes: Uint8Array) => bridge.fromRuntime(bytes));
  bridge.fromClient(Buffer.from("\0hello"));
  bridge.fromClient(Uint8Array.from([255, 0]));
  assert.equal(await heard.promise, "hello");
  await ended.promise;
  assert.deepEqual(answers, ["1:said"]);
  server.close();
  client.end();
  await served;
});

test("more than fits into the window comes whole, read slowly or not, in both directions", async () => {
  const [client, socket] = await socketPair();
  const streams: SpdyStream[] = [];
  const server = new SpdyServer(socket, (stream) => {
    streams.push(stream);
    if (stream.headers.get("streamtype") === "data") stream.pipe(stream);
    else stream.end();
  });
  const served = server.serve();
  const parts: Uint8Array[] = [];
  const ended = Promise.withResolvers<string | undefined>();
  const bridge = new PortForwardBridge(80, {
    sendToRuntime: (bytes) => void client.write(bytes),
    receive: (bytes) => parts.push(bytes.slice()),
    end: (failure) => ended.resolve(failure),
  });
  client.on("data", (bytes: Uint8Array) => bridge.fromRuntime(bytes));
  const block = Buffer.alloc(100_000, "0123456789");
  for (let left = 30; left > 0; left--) bridge.send(block);
  bridge.sendEnd();
  for (const stream of streams) if (stream.headers.get("streamtype") === "error") stream.resume();
  assert.equal(await ended.promise, undefined);
  assert.ok(Buffer.concat(parts).equals(Buffer.concat(Array(30).fill(block))));
  assert.equal(streams.find((each) => each.headers.get("streamtype") === "data")?.headers.get("port"), "80");
  client.end();
  await served;
});

test("headers are read as kubectl compresses them: with SPDY's dictionary, one text over all streams", async () => {
  const [client, socket] = await socketPair();
  const names: unknown[] = [];
  const server = new SpdyServer(socket, (stream) => names.push([...stream.headers]));
  const served = server.serve();
  const block = (name: string, value: string): Buffer =>
    Buffer.concat([uint32(1), uint32(name.length), Buffer.from(name), uint32(value.length), Buffer.from(value)]);
  const both = [block("host", "error"), block("host", "stdout")];
  // What a compressor flushed after each block has written for the second one follows what it wrote for the first.
  const flushed = (content: Buffer): Buffer =>
    deflateSync(content, { dictionary: spdyDictionary(), finishFlush: constants.Z_SYNC_FLUSH });
  const first = flushed(both[0] ?? Buffer.alloc(0));
  client.write(encodeSpdyControl(spdyTypes.synStream, Buffer.concat([uint32(1), Buffer.alloc(6), first])));
  client.write(encodeSynStream(3, { host: "stdout" }, false));
  client.end();
  await served;
  assert.deepEqual(names, [[["host", "error"]], [["host", "stdout"]]]);
});

test("what is no SPDY, is cut, or swells ends the connection and destroys its streams", async () => {
  const bomb = deflateRawSync(Buffer.alloc(2 * 1024 * 1024), { finishFlush: constants.Z_SYNC_FLUSH });
  for (const bytes of [
    Uint8Array.from([0x80, 2, 0, 1, 0, 0, 0, 0]),
    encodeSpdyControl(spdyTypes.synStream, Buffer.alloc(5)),
    encodeSpdyControl(spdyTypes.synStream, Buffer.concat([uint32(3), Buffer.alloc(6), bomb])),
    encodeSpdyControl(spdyTypes.synStream, Buffer.concat([uint32(3), Buffer.alloc(6), Buffer.from("no zlib")])),
  ]) {
    const [client, socket] = await socketPair();
    const closed = Promise.withResolvers<void>();
    const server = new SpdyServer(socket, (stream) => stream.once("close", () => closed.resolve()));
    const served = server.serve();
    client.write(encodeSynStream(1, { streamtype: "stdin" }, true));
    client.write(encodeSpdyData(1, Buffer.from("x"), false));
    client.write(bytes);
    await Promise.all([closed.promise, served]);
    await buffer(client).catch(() => undefined);
  }
});

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
