import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Http2Server, type ServerHttp2Stream } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { isSkerryError } from "@skerry/base";
import { CriRuntime } from "./cri-runtime.ts";
import * as cri from "./generated/cri.ts";

type Answer = (stream: ServerHttp2Stream, request: Uint8Array) => void;

/** A gRPC server on a unix socket that answers as the test says, by method name. */
class FakeServer implements AsyncDisposable {
  readonly #folder: string;
  readonly #server: Http2Server;
  readonly socketPath: string;

  private constructor(folder: string, answers: Readonly<Record<string, Answer>>) {
    this.#folder = folder;
    this.socketPath = join(folder, "s");
    this.#server = createServer();
    this.#server.on("stream", (stream, headers) => {
      const chunks: Buffer[] = [];
      stream.on("error", () => undefined);
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("end", () => {
        const method = String(headers[":path"]).split("/").at(-1) ?? "";
        (answers[method] ?? refuse(12, "unimplemented"))(stream, new Uint8Array(Buffer.concat(chunks).subarray(5)));
      });
    });
  }

  static async listen(answers: Readonly<Record<string, Answer>>): Promise<FakeServer> {
    const server = new FakeServer(await mkdtemp(join(tmpdir(), "skerry-cri-")), answers);
    await new Promise<void>((resolve) => server.#server.listen(server.socketPath, resolve));
    return server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

function answer(message: Uint8Array): Answer {
  return (stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    const header = Buffer.alloc(5);
    header.writeUInt32BE(message.length, 1);
    stream.end(Buffer.concat([header, message]));
  };
}

function refuse(code: number, message: string): Answer {
  return (stream) => {
    const headers = { ":status": 200, "content-type": "application/grpc", "grpc-status": String(code) };
    stream.respond({ ...headers, "grpc-message": encodeURIComponent(message) }, { endStream: true });
  };
}

test("a call sends what the runtime expects and reads what it answers", async () => {
  let asked: cri.ListContainersRequest | undefined;
  const listed = cri.ListContainersResponse.encode({
    containers: [
      {
        id: "c1",
        podSandboxId: "s1",
        metadata: { name: "app", attempt: 2 },
        state: cri.ContainerState.CONTAINER_RUNNING,
        createdAt: 1_795_308_987_935_000_000n,
        labels: { a: "b" },
      },
    ],
  }).finish();
  await using server = await FakeServer.listen({
    ListContainers: (stream, request) => {
      asked = cri.ListContainersRequest.decode(request);
      answer(listed)(stream, request);
    },
  });
  await using runtime = new CriRuntime(`unix://${server.socketPath}`);
  const containers = await runtime.listContainers({ "io.kubernetes.pod.uid": "u1" });
  assert.deepEqual(asked?.filter?.labelSelector, { "io.kubernetes.pod.uid": "u1" });
  assert.deepEqual(containers, [
    {
      id: "c1",
      sandboxId: "s1",
      name: "app",
      attempt: 2,
      state: "running",
      createdAtMs: 1_795_308_987_935,
      labels: { a: "b" },
      annotations: {},
    },
  ]);
});

test("what is already gone counts as stopped, other refusals are errors with the runtime's own words", async () => {
  await using server = await FakeServer.listen({
    StopContainer: refuse(5, "not found"),
    StartContainer: refuse(2, "exec format error: no such file"),
  });
  await using runtime = new CriRuntime(server.socketPath);
  await runtime.stopContainer("gone", 1);
  await assert.rejects(
    runtime.startContainer("c1"),
    (error) => isSkerryError(error, "RUNTIME_CALL_FAILED") && error.message === "exec format error: no such file",
  );
});

test("without a runtime the error says where it was looked for, and a later call finds it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "skerry-cri-"));
  await using runtime = new CriRuntime(join(folder, "missing"));
  await assert.rejects(
    runtime.version(),
    (error) => isSkerryError(error, "RUNTIME_UNAVAILABLE") && error.message.includes(folder),
  );
  await rm(folder, { recursive: true });
});

test("an aborted call ends at once with the reason", async () => {
  await using server = await FakeServer.listen({ PullImage: () => undefined });
  await using runtime = new CriRuntime(server.socketPath);
  const controller = new AbortController();
  const pulling = runtime.pullImage("app:1", undefined, controller.signal);
  controller.abort(new Error("no longer wanted"));
  await assert.rejects(pulling, /no longer wanted/);
});

test("a connection that ends in the middle of a call is an error, and the next call connects anew", async () => {
  let calls = 0;
  await using server = await FakeServer.listen({
    Version: (stream, request) => {
      calls++;
      if (calls === 1) stream.session?.destroy();
      else
        answer(cri.VersionResponse.encode({ runtimeName: "fake", runtimeVersion: "v1.2.3" }).finish())(stream, request);
    },
  });
  await using runtime = new CriRuntime(server.socketPath);
  await assert.rejects(runtime.version(), (error) => isSkerryError(error, "RUNTIME_UNAVAILABLE"));
  assert.deepEqual(await runtime.version(), { name: "fake", version: "1.2.3" });
});

test("an answer larger than the limit is refused, not kept in memory", async () => {
  const chunk = Buffer.alloc(1024 * 1024);
  await using server = await FakeServer.listen({
    Version: (stream) => {
      stream.respond({ ":status": 200, "content-type": "application/grpc" });
      const more = (): void => {
        if (!stream.destroyed) stream.write(chunk, more);
      };
      more();
    },
  });
  await using runtime = new CriRuntime(server.socketPath);
  await assert.rejects(
    runtime.version(),
    (error) => isSkerryError(error, "RUNTIME_CALL_FAILED") && /larger than/.test(error.message),
  );
});
