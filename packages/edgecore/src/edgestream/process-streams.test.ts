import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { test } from "node:test";
import type { Pod } from "@skerry/api";
import { silentLogger } from "@skerry/base";
import { ManualClock } from "@skerry/base/testing";
import { type ByteStream, type ConnectRequest, Multiplexer } from "@skerry/streams";
import { nodeLogFiles } from "@skerry/streams/platform";
import { connectionPair } from "@skerry/streams/testing";
import { podUidLabel } from "../edged/pod/runtime-names.ts";
import type { ContainerRuntime } from "../edged/ports.ts";
import type { MetaClient } from "../metamanager/meta-store.ts";
import { tcpLoopbackRelay } from "./platform/loopback-relay.ts";
import { PodStreams } from "./pod-streams.ts";
import type { ProcessStreams as Wanted } from "./ports.ts";

const pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web", namespace: "default", uid: "uid-1" },
  spec: { containers: [{ name: "app", image: "x", tty: true }] },
} as unknown as Pod;

const spdy = { Connection: ["Upgrade"], Upgrade: ["SPDY/3.1"], "X-Stream-Protocol-Version": ["v5.x", "v4.x"] };
const execRequest: ConnectRequest = {
  kind: "exec",
  method: "POST",
  path: "/exec/default/web/app",
  query: "command=sh&command=-c&input=1&output=1&error=1",
  headers: spdy,
};

interface World extends AsyncDisposable {
  readonly calls: unknown[];
  /** What the runtime's streaming server got, up to now. */
  received(): string;
  open(request: ConnectRequest): ByteStream;
}

/** A node whose runtime's streaming server is a TCP server that agrees to everything and echoes. */
async function startWorld(address?: string, state: "running" | "exited" = "running"): Promise<World> {
  let received = "";
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.once("data", (head) => {
      received += String(head);
      socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: SPDY/3.1\r\n\r\n");
      socket.on("data", (chunk) => {
        received += String(chunk);
        socket.write(`echo ${String(chunk)}`);
        if (String(chunk) === "bye") socket.end();
      });
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = address ?? `http://127.0.0.1:${(server.address() as AddressInfo).port}/exec/token`;
  const calls: unknown[] = [];
  const labels = { [podUidLabel]: "uid-1" };
  const podStreams = new PodStreams({
    meta: { list: () => [pod] } as unknown as MetaClient,
    runtime: {
      listContainers: async () => [
        { id: "old", name: "app", state: "exited", attempt: 0, labels, annotations: {} },
        { id: "new", name: "app", state, attempt: 1, labels, annotations: {} },
      ],
      listSandboxes: async () => [{ id: "box", state: "ready", labels }],
    } as unknown as ContainerRuntime,
    streaming: {
      execUrl: async (id: string, command: readonly string[], wanted: Wanted) => {
        calls.push(["exec", id, command, wanted]);
        return url;
      },
      attachUrl: async (id: string, wanted: Wanted) => {
        calls.push(["attach", id, wanted]);
        return url;
      },
      portForwardUrl: async (id: string) => {
        calls.push(["port-forward", id]);
        return url;
      },
    },
    loopback: tcpLoopbackRelay,
    files: nodeLogFiles,
    clock: new ManualClock(),
    logger: silentLogger,
    config: { nodeName: "edge-1", rootDirectory: "/nonexistent", podLogsDirectory: "/nonexistent" },
  });
  const ends = connectionPair();
  const shared = { clock: new ManualClock(), logger: silentLogger };
  const cloud = new Multiplexer({ ...shared, connection: ends.cloud });
  const edge = new Multiplexer({
    ...shared,
    connection: ends.edge,
    serve: (request, stream) => podStreams.serve(request, stream, true),
  });
  cloud.start();
  edge.start();
  return {
    calls,
    received: () => received,
    open: (request) => cloud.open(request),
    async [Symbol.asyncDispose]() {
      cloud.close("the test ends");
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** Reads until the text has come. */
async function readUntil(stream: ByteStream, text: string): Promise<string> {
  let seen = "";
  while (!seen.includes(text)) {
    const chunk = await stream.read();
    if (!chunk) throw new Error(`the stream ended after ${JSON.stringify(seen)}`);
    seen += Buffer.from(chunk).toString();
  }
  return seen;
}

async function readAll(stream: ByteStream): Promise<string> {
  let seen = "";
  for (let chunk = await stream.read(); chunk; chunk = await stream.read()) seen += Buffer.from(chunk).toString();
  return seen;
}

test("an exec is led to the running container's streaming address, and bytes go both ways until it ends", async () => {
  await using world = await startWorld();
  const stream = world.open(execRequest);
  await readUntil(stream, "\r\n\r\n");
  await stream.write(new TextEncoder().encode("hello"));
  await readUntil(stream, "echo hello");
  await stream.write(new TextEncoder().encode("bye"));
  assert.equal(await readAll(stream), "echo bye");
  const wanted = { stdin: true, stdout: true, stderr: true, tty: false };
  assert.deepEqual(world.calls, [["exec", "new", ["sh", "-c"], wanted]]);
  assert.match(world.received(), /^POST \/exec\/token HTTP\/1.1\r\nHost: 127.0.0.1:\d+\r\nConnection: Upgrade\r\n/);
  assert.match(world.received(), /X-Stream-Protocol-Version: v5.x\r\nX-Stream-Protocol-Version: v4.x\r\n/);
});

test("attach takes the terminal from the container, port-forward the pod's sandbox", async () => {
  await using world = await startWorld();
  const attach = {
    ...execRequest,
    kind: "attach",
    path: "/attach/default/web/app",
    query: "output=1&error=1",
  } as const;
  await readUntil(world.open(attach), "101");
  const forward = { ...execRequest, kind: "port-forward", path: "/portForward/default/web", query: "" } as const;
  await readUntil(world.open(forward), "101");
  assert.deepEqual(world.calls, [
    ["attach", "new", { stdin: false, stdout: true, stderr: false, tty: true }],
    ["port-forward", "box"],
  ]);
});

test("of WebSocket only what the runtime speaks is offered; a caller that wants other protocols only is refused", async () => {
  await using world = await startWorld();
  const webSocket = (protocols: string): ConnectRequest => ({
    ...execRequest,
    method: "GET",
    headers: { Upgrade: ["websocket"], "Sec-WebSocket-Key": ["abc"], "Sec-WebSocket-Protocol": [protocols] },
  });
  assert.match(await readAll(world.open(webSocket("v5.channel.k8s.io"))), /^HTTP\/1.1 400 .*SPDY\/3.1 is served$/s);
  await readUntil(world.open(webSocket("v5.channel.k8s.io, v4.channel.k8s.io")), "101");
  assert.match(world.received(), /Sec-WebSocket-Protocol: v4.channel.k8s.io\r\n/);
});

test("other headers, and those that would smuggle one in, do not reach the runtime", async () => {
  await using world = await startWorld();
  const headers = { ...spdy, Authorization: ["secret"], "X-Stream-Protocol-Version": ["v4\r\nEvil: yes"] };
  await readUntil(world.open({ ...execRequest, headers }), "101");
  assert.doesNotMatch(world.received(), /secret|Evil/);
});

test("a streaming address that is not on this machine is not dialled", async () => {
  for (const address of ["http://192.0.2.1:80/exec/x", "https://127.0.0.1:1/x", "no address"]) {
    await using world = await startWorld(address);
    assert.match(await readAll(world.open(execRequest)), /^HTTP\/1.1 501 .*not on the node's loopback address$/s);
  }
});

test("a streaming server that is not there, a container that has ended and an unknown pod get clear answers", async () => {
  {
    await using world = await startWorld("http://127.0.0.1:1/exec/x");
    assert.match(await readAll(world.open(execRequest)), /^HTTP\/1.1 502 .*cannot be reached$/s);
  }
  await using world = await startWorld(undefined, "exited");
  assert.match(await readAll(world.open(execRequest)), /^HTTP\/1.1 404 .*container app of pod web is not running$/s);
  // Found with KubeEdge's CloudCore, which leaves the connection open: kubectl exec hung instead of showing this.
  const refusal = /^HTTP\/1.1 404 .*\r\ncontent-length: (\d+)\r\n.*?\r\n\r\n(.*)$/s.exec(
    await readAll(world.open(execRequest)),
  );
  assert.equal(Number(refusal?.[1]), Buffer.byteLength(refusal?.[2] ?? ""));
  const unknown = { ...execRequest, path: "/exec/default/nosuch/app" };
  assert.match(await readAll(world.open(unknown)), /^HTTP\/1.1 404 .*pod default\/nosuch is not here$/s);
  const other = { ...execRequest, path: "/exec/default/web/uid-2/app" };
  assert.match(await readAll(world.open(other)), /^HTTP\/1.1 404 /);
  const mixed = { ...execRequest, path: "/attach/default/web/app" };
  assert.match(await readAll(world.open(mixed)), /^HTTP\/1.1 404 /);
});
