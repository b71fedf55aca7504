import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { test } from "node:test";
import { isSkerryError } from "@skerry/base";
import { encodeSpdyData, SpdyFrameReader } from "../remotecommand/spdy-frame.ts";
import { PortForwardSocket } from "./port-forward-socket.ts";
import { socketPair } from "./testing/socket-pair.ts";

/** The streams of a connection, in the order in which they are opened. */
const [ERROR, DATA] = [1, 3];
const BYTES = Buffer.alloc(3 * 2 ** 20, "0123456789abcdef");

/** A runtime that sends back what it gets, and ends when it gets no more. */
async function echo(node: Socket): Promise<void> {
  const reader = new SpdyFrameReader();
  for await (const chunk of node as AsyncIterable<Uint8Array>)
    for (const event of reader.read(chunk)) {
      if (event.kind !== "data" || event.streamId !== DATA) continue;
      if (!node.write(encodeSpdyData(DATA, event.bytes, event.isLast))) await once(node, "drain");
      if (event.isLast) node.write(encodeSpdyData(ERROR, new Uint8Array(), true));
    }
}

test("megabytes go to the pod's port and come back whole, and the end comes after them", async () => {
  const [near, node] = await socketPair();
  const echoing = echo(node).catch(() => undefined);
  const socket = new PortForwardSocket(8080, near, Buffer.alloc(0));
  socket.end(BYTES);
  const chunks: Uint8Array[] = [];
  for await (const chunk of socket as AsyncIterable<Uint8Array>) chunks.push(chunk);
  assert.ok(Buffer.concat(chunks).equals(BYTES));
  await echoing; // The connection went with the socket.
});

test("what the runtime says when nothing listens there is the error, also when it came with the upgrade", async () => {
  for (const isEarly of [true, false]) {
    const [near, node] = await socketPair();
    node.on("error", () => undefined);
    const answer = Buffer.concat([
      encodeSpdyData(ERROR, Buffer.from("connection refused"), true),
      encodeSpdyData(DATA, new Uint8Array(), true),
    ]);
    const socket = new PortForwardSocket(81, near, isEarly ? answer : Buffer.alloc(0));
    if (!isEarly) node.write(answer);
    await assert.rejects(
      once(socket, "data"),
      (error) => isSkerryError(error, "STREAMS_PORT_NOT_REACHED") && /Port 81 .*connection refused/.test(error.message),
    );
    node.resume();
    await once(node, "close");
  }
});

test("a runtime that breaks off ends the socket, and one that speaks no SPDY destroys it", async () => {
  const [near, node] = await socketPair();
  const socket = new PortForwardSocket(80, near, Buffer.alloc(0));
  socket.resume();
  node.end();
  await once(socket, "end");

  const [other, liar] = await socketPair();
  liar.on("error", () => undefined);
  const lied = new PortForwardSocket(80, other, Buffer.alloc(0));
  liar.write(Buffer.from("HTTP/1.1 500 what is this\r\n\r\n".padStart(40, "\xff"), "latin1"));
  await assert.rejects(once(lied, "data"), (error) => isSkerryError(error, "STREAMS_FRAME_INVALID"));
});
