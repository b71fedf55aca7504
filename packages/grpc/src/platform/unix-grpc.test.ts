import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { connect as connectHttp2 } from "node:http2";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Client, credentials, type ServiceError } from "@grpc/grpc-js";
import { isSkerryError } from "@skerry/base";
import { GrpcCode } from "../grpc-code.ts";
import type { ClientErrors, UnaryClient, UnaryMethod } from "../transport.ts";
import { unixGrpc } from "./unix-grpc.ts";

const errors: ClientErrors = {
  unavailable: (socketPath, cause) => new Error(`unavailable ${socketPath}`, { cause }),
  timeout: (method) => new Error(`timeout ${method}`),
  failed: (_method, code, message) => new Error(`failed ${code} ${message}`),
};

class World implements AsyncDisposable {
  readonly folder: string;
  readonly socketPath: string;
  readonly client: UnaryClient;
  readonly #opened: AsyncDisposableStack = new AsyncDisposableStack();

  private constructor(folder: string) {
    this.folder = folder;
    this.socketPath = join(folder, "s");
    this.client = this.#opened.use(unixGrpc.client(this.socketPath, errors));
  }

  static async start(methods: Readonly<Record<string, UnaryMethod>>): Promise<World> {
    const world = new World(await mkdtemp(join(tmpdir(), "skerry-grpc-")));
    await world.serve(methods);
    return world;
  }

  async serve(methods: Readonly<Record<string, UnaryMethod>>): Promise<AsyncDisposable> {
    return this.#opened.use(
      await unixGrpc.serve({
        socketPath: this.socketPath,
        methods: new Map(Object.entries(methods)),
        statusOf: (error) => ({ code: GrpcCode.invalidArgument, message: String(error) }),
        maximumRequestBytes: 1024,
      }),
    );
  }

  call(method: string, text = ""): Promise<string> {
    const request = new TextEncoder().encode(text);
    return this.client.call({ method, request, timeoutMs: 10_000 }).then((answer) => new TextDecoder().decode(answer));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#opened.disposeAsync();
    await rm(this.folder, { recursive: true, force: true });
  }
}

const echo: UnaryMethod = async (request) => request;

test("a call reaches its method and its answer comes back, also an empty one", async () => {
  await using world = await World.start({ "/t/Echo": echo });
  assert.equal(await world.call("/t/Echo", "hello"), "hello");
  assert.equal(await world.call("/t/Echo"), "");
});

test("many calls at once are all answered, though only some of them run at the same time", async () => {
  await using world = await World.start({ "/t/Echo": echo });
  const texts = Array.from({ length: 500 }, (_, index) => `call ${index}`);
  assert.deepEqual(await Promise.all(texts.map((text) => world.call("/t/Echo", text))), texts);
});

test("what a method throws, an unknown method and a large request end the call with their status", async () => {
  await using world = await World.start({
    "/t/Echo": echo,
    "/t/Throw": async () => {
      throw new Error("größer als 5 %");
    },
  });
  await assert.rejects(world.call("/t/Throw"), /failed 3 Error: größer als 5 %/);
  await assert.rejects(world.call("/t/Nothing"), /failed 12 .*\/t\/Nothing/);
  await assert.rejects(world.call("/t/Echo", "x".repeat(2000)), /failed 8 .*1024 bytes/);
  assert.equal(await world.call("/t/Echo", "still there"), "still there");
});

test("another gRPC implementation's client gets answers and refusals", async () => {
  await using world = await World.start({
    "/t/Echo": echo,
    "/t/Throw": async () => {
      throw new Error("no");
    },
  });
  const client = new Client(`unix:${world.socketPath}`, credentials.createInsecure());
  const call = (method: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const done = (error: ServiceError | null, answer?: Buffer): void =>
        error ? reject(error) : resolve(String(answer));
      client.makeUnaryRequest(
        method,
        (text: string) => Buffer.from(text),
        (bytes) => bytes,
        "hello",
        done,
      );
    });
  try {
    assert.equal(await call("/t/Echo"), "hello");
    await assert.rejects(call("/t/Throw"), { code: GrpcCode.invalidArgument, details: "Error: no" });
  } finally {
    client.close();
  }
});

test("the socket is only for its user, goes away at the end, and the client finds the next server", async () => {
  await using world = await World.start({});
  assert.equal((await stat(world.socketPath)).mode & 0o777, 0o600);
  await assert.rejects(world.call("/t/Echo"), /failed 12/);
  await using second = await World.start({});
  await second[Symbol.asyncDispose]();
  await assert.rejects(stat(second.socketPath));
  await assert.rejects(second.call("/t/Echo"), /unavailable/);
});

test("a served socket is not taken over; one left behind by a crash is replaced", async () => {
  await using world = await World.start({ "/t/Echo": echo });
  await assert.rejects(world.serve({}), (error) => isSkerryError(error, "GRPC_SOCKET_IN_USE"));
  assert.equal(await world.call("/t/Echo", "mine"), "mine");

  const folder = await mkdtemp(join(tmpdir(), "skerry-grpc-"));
  const options = { methods: new Map(), statusOf: () => ({ code: 2, message: "" }) };
  try {
    const program = join(folder, "crash.mjs");
    await writeFile(
      program,
      `import { connect as connectHttp2 } from "node:http2";
import { connect, createServer } from "node:net";
       createServer().listen(process.argv[2], () => process.kill(process.pid, "SIGKILL"));`,
    );
    const socketPath = join(folder, "s");
    await new Promise((resolve) => fork(program, [socketPath]).once("exit", resolve));
    assert.ok((await stat(socketPath)).isSocket());
    await using _server = await unixGrpc.serve({ ...options, socketPath });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test("a path that cannot be a socket is refused with what is wrong", async () => {
  const options = { methods: new Map(), statusOf: () => ({ code: 2, message: "" }) };
  const long = join(tmpdir(), "x".repeat(120));
  await assert.rejects(unixGrpc.serve({ ...options, socketPath: long }), (error) =>
    isSkerryError(error, "GRPC_SOCKET_FAILED"),
  );
  await assert.rejects(
    unixGrpc.serve({ ...options, socketPath: join(tmpdir(), "skerry-missing-folder", "s") }),
    (error) => isSkerryError(error, "GRPC_SOCKET_FAILED"),
  );
});

test("a server that speaks no gRPC is an error, not an endless wait", async () => {
  const folder = await mkdtemp(join(tmpdir(), "skerry-grpc-"));
  const server = createServer((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
  await new Promise<void>((resolve) => server.listen(join(folder, "s"), resolve));
  await using client = unixGrpc.client(join(folder, "s"), errors);
  await assert.rejects(client.call({ method: "/t/Echo", request: new Uint8Array(), timeoutMs: 5000 }), /unavailable/);
  server.close();
  await rm(folder, { recursive: true, force: true });
});

test("requests that never end are refused in time and hold bounded memory together", async () => {
  const folder = await mkdtemp(join(tmpdir(), "skerry-grpc-"));
  const socketPath = join(folder, "s");
  await using stack = new AsyncDisposableStack();
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  stack.use(
    await unixGrpc.serve({
      socketPath,
      methods: new Map([["/s/echo", echo]]),
      statusOf: () => ({ code: GrpcCode.internal, message: "" }),
      maximumPendingBytes: 10_000,
      requestTimeoutMs: 100,
    }),
  );
  const session = connectHttp2("http://localhost", { createConnection: () => connect(socketPath) });
  stack.defer(() => session.destroy());
  const begin = async (bytes: number): Promise<string> => {
    const stream = session.request({ ":method": "POST", ":path": "/s/echo", "content-type": "application/grpc" });
    stream.on("error", () => undefined);
    stream.write(Buffer.alloc(bytes));
    const [headers] = await once(stream, "response");
    return String(headers["grpc-status"]);
  };
  const statuses = await Promise.all([begin(4_000), begin(4_000), begin(4_000)]);
  assert.deepEqual(statuses.sort(), [
    String(GrpcCode.deadlineExceeded),
    String(GrpcCode.deadlineExceeded),
    String(GrpcCode.resourceExhausted),
  ]);
  await using client = unixGrpc.client(socketPath, errors);
  const request = new Uint8Array(9_000);
  const answer = await client.call({ method: "/s/echo", request, timeoutMs: 10_000 });
  assert.equal(answer.length, 9_000, "what they held is free again");
});
