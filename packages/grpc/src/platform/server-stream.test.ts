import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type handleServerStreamingCall, Server, ServerCredentials, status } from "@grpc/grpc-js";
import type { ServerStreamCall } from "../transport.ts";
import { unixServerStream } from "./server-stream.ts";

const METHOD = "/t.Stream/Watch";
const identity = (bytes: Buffer): Buffer => bytes;

/** Another gRPC implementation's server with one streaming method. */
class StreamingServer implements AsyncDisposable {
  readonly socketPath: string;
  readonly #folder: string;
  readonly #server = new Server();

  private constructor(folder: string) {
    this.#folder = folder;
    this.socketPath = join(folder, "s");
  }

  static async start(watch: handleServerStreamingCall<Buffer, Buffer>): Promise<StreamingServer> {
    const started = new StreamingServer(await mkdtemp(join(tmpdir(), "skerry-stream-")));
    const shape = { path: METHOD, requestStream: false as const, responseStream: true as const };
    const codec = { requestSerialize: identity, requestDeserialize: identity };
    const answers = { responseSerialize: identity, responseDeserialize: identity };
    started.#server.addService({ watch: { ...shape, ...codec, ...answers } }, { watch });
    await new Promise<void>((resolve, reject) => {
      const address = `unix:${started.socketPath}`;
      started.#server.bindAsync(address, ServerCredentials.createInsecure(), (error) =>
        error ? reject(error) : resolve(),
      );
    });
    return started;
  }

  /** Ends at once, as a process that is killed. */
  kill(): void {
    this.#server.forceShutdown();
  }

  call(onMessage: (text: string) => void, options: Partial<ServerStreamCall> = {}): Promise<void> {
    return unixServerStream({
      socketPath: this.socketPath,
      method: METHOD,
      request: new TextEncoder().encode("hello"),
      errors: {
        unavailable: (address, cause) => new Error(`unavailable ${address}`, { cause }),
        failed: (method, code, message) => new Error(`failed ${method} ${code} ${message}`),
      },
      signal: new AbortController().signal,
      onMessage: (message) => onMessage(new TextDecoder().decode(message)),
      ...options,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

test("each message arrives, also an empty and a large one, until the server ends the call", async () => {
  const large = "x".repeat(300_000);
  await using server = await StreamingServer.start((call) => {
    for (const text of [call.request.toString(), "", large, "bye"]) call.write(Buffer.from(text));
    call.end();
  });
  const messages: string[] = [];
  await server.call((text) => messages.push(text));
  assert.deepEqual(messages, ["hello", "", large, "bye"]);
});

test("a call that the server refuses, that is too large, or whose server is not there, ends with the call's errors", async () => {
  await using server = await StreamingServer.start((call) => {
    call.write(Buffer.from("0123456789"));
    call.emit("error", { code: status.NOT_FOUND, details: "no camera" });
  });
  await assert.rejects(
    server.call(() => {}),
    /failed \/t\.Stream\/Watch 5 no camera/,
  );
  await assert.rejects(
    server.call(() => {}, { maximumMessageBytes: 9 }),
    /larger than 9 bytes/,
  );
  await assert.rejects(
    server.call(() => {}, { socketPath: `${server.socketPath}-absent` }),
    /unavailable/,
  );
});

test("a server that is gone ends the call, and so does the caller, with its own reason", async () => {
  await using server = await StreamingServer.start((call) => void call.write(Buffer.from("first")));
  const stop = new AbortController();
  const reason = new Error("enough");
  await assert.rejects(
    server.call(() => stop.abort(reason), { signal: stop.signal }),
    reason,
  );
  await assert.rejects(
    server.call(() => {}, { signal: stop.signal }),
    reason,
  );
  await assert.rejects(
    server.call(() => server.kill()),
    /unavailable/,
  );
});

test("what the receiver throws ends the call with it", async () => {
  await using server = await StreamingServer.start((call) => void call.write(Buffer.from("first")));
  const error = new Error("not to be understood");
  await assert.rejects(
    server.call(() => {
      throw error;
    }),
    error,
  );
});
