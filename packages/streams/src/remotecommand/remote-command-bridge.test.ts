import assert from "node:assert/strict";
import { test } from "node:test";
import { RemoteCommandBridge, type RemoteCommandStreams } from "./remote-command-bridge.ts";
import { encodeSpdyControl, encodeSpdyData, type SpdyEvent, SpdyFrameReader, spdyTypes } from "./spdy-frame.ts";
import { translationOf } from "./stream-translation.ts";

const ALL: RemoteCommandStreams = { stdin: true, stdout: true, stderr: true, tty: false };

/** A bridge whose both sides are remembered. */
function bridgeFor(wanted: RemoteCommandStreams): {
  bridge: RemoteCommandBridge;
  runtimeEvents: () => SpdyEvent[];
  toClient: string[];
  hasEnded: () => boolean;
} {
  const toRuntime: Uint8Array[] = [];
  const toClient: string[] = [];
  let ended = false;
  const bridge = new RemoteCommandBridge(wanted, {
    sendToRuntime: (bytes) => toRuntime.push(bytes),
    sendToClient: ([channel = 0, ...text]) => toClient.push(`${channel}:${Buffer.from(text).toString()}`),
    end: () => {
      ended = true;
    },
  });
  const reader = new SpdyFrameReader();
  const runtimeEvents = (): SpdyEvent[] => toRuntime.splice(0).flatMap((bytes) => [...reader.read(bytes)]);
  return { bridge, runtimeEvents, toClient, hasEnded: () => ended };
}

/** The streams that were opened, by name. */
function opened(events: readonly SpdyEvent[]): Map<string, number> {
  const names = /streamtype\0\0\0.([a-z]+)/;
  return new Map(
    events.map((event) => {
      assert.ok(event.kind === "control" && event.type === spdyTypes.synStream);
      const name = names.exec(Buffer.from(event.payload).toString("latin1"))?.[1] ?? "";
      return [name, new DataView(event.payload.buffer, event.payload.byteOffset).getUint32(0)];
    }),
  );
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

test("the streams that were asked for are opened, with a terminal no errors but its size", () => {
  assert.deepEqual([...opened(bridgeFor(ALL).runtimeEvents()).keys()], ["error", "stdin", "stdout", "stderr"]);
  const terminal = bridgeFor({ ...ALL, tty: true });
  assert.deepEqual([...opened(terminal.runtimeEvents()).keys()], ["error", "stdin", "stdout", "resize"]);
  const silent = bridgeFor({ stdin: false, stdout: false, stderr: true, tty: false });
  assert.deepEqual([...opened(silent.runtimeEvents()).keys()], ["error", "stderr"]);
});

test("input and its end reach the runtime, and what is for no open channel is dropped", () => {
  const { bridge, runtimeEvents } = bridgeFor(ALL);
  const stdin = opened(runtimeEvents()).get("stdin");
  const sent = (): unknown[] =>
    runtimeEvents().map((event) =>
      event.kind === "data" ? [event.streamId, Buffer.from(event.bytes).toString(), event.isLast] : event,
    );
  bridge.fromClient(Uint8Array.from([0, ...bytesOf("hello")]));
  assert.deepEqual(sent(), [[stdin, "hello", false]]);
  for (const message of [[1, 65], [4, 65], [9, 65], [0], [], [255], [255, 1], [255, 7]])
    bridge.fromClient(Uint8Array.from(message));
  assert.deepEqual(sent(), []);
  bridge.fromClient(Uint8Array.from([255, 0]));
  assert.deepEqual(sent(), [[stdin, "", true]]);
  bridge.fromClient(Uint8Array.from([0, 65]));
  bridge.fromClient(Uint8Array.from([255, 0]));
  assert.deepEqual(sent(), []);
});

test("output goes to its channel, and the end is told once when all outputs and the status have ended", () => {
  const { bridge, runtimeEvents, toClient, hasEnded } = bridgeFor(ALL);
  const ids = opened(runtimeEvents());
  const say = (name: string, text: string, isLast = false): void =>
    bridge.fromRuntime(encodeSpdyData(ids.get(name) ?? 0, bytesOf(text), isLast));
  say("stdout", "out");
  say("stderr", "err", true);
  say("stdin", "nobody reads this");
  say("error", '{"status":"Success"}', true);
  assert.equal(hasEnded(), false);
  say("stdout", "", true);
  assert.equal(hasEnded(), true);
  assert.deepEqual(toClient, ["1:out", "2:err", '3:{"status":"Success"}']);
});

test("a runtime that resets its streams ends the command, and its ping is answered", () => {
  const { bridge, runtimeEvents, hasEnded } = bridgeFor({ ...ALL, stdin: false, stderr: false });
  const ids = opened(runtimeEvents());
  bridge.fromRuntime(encodeSpdyControl(spdyTypes.ping, Uint8Array.from([0, 0, 0, 2])));
  const [answer] = runtimeEvents();
  assert.ok(answer?.kind === "control" && answer.type === spdyTypes.ping);
  assert.deepEqual([...answer.payload], [0, 0, 0, 2]);
  for (const id of ids.values())
    bridge.fromRuntime(encodeSpdyControl(spdyTypes.rstStream, Uint8Array.from([0, 0, 0, id, 0, 0, 0, 5])));
  assert.equal(hasEnded(), true);
});

test("only protocols that nodes do not speak are translated", () => {
  const exec = translationOf("/exec/shop/web/app", "command=sh&input=1&output=1&tty=1", "v5.channel.k8s.io");
  assert.deepEqual(exec?.remoteCommand, { stdin: true, stdout: true, stderr: false, tty: true });
  assert.equal(exec?.protocol, "v5.channel.k8s.io");
  assert.equal(translationOf("/exec/shop/web/app", "", "v4.channel.k8s.io, channel.k8s.io"), undefined);
  assert.equal(translationOf("/attach/shop/web/app", "", ""), undefined);
  const forward = translationOf("/portForward/shop/web", "", "SPDY/3.1+portforward.k8s.io");
  assert.deepEqual(forward, { protocol: "SPDY/3.1+portforward.k8s.io", spdyVersion: "portforward.k8s.io" });
  assert.equal(translationOf("/portForward/shop/web", "", "v4.channel.k8s.io"), undefined);
});
