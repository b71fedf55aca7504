import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import { UnixGrpcClient } from "@skerry/grpc/platform";
import { runtimeCallFailed, runtimeTimeout, runtimeUnavailable } from "../../edged/errors.ts";
import type { ProcessStreams, StreamingRuntime } from "../ports.ts";

const CALL_TIMEOUT_MS = 30_000;

/**
 * The {@link StreamingRuntime} port over CRI v1. Its three small messages are written by hand here: loading the generated
 * ones twice would cost more than they are.
 */
export class CriStreaming implements StreamingRuntime, AsyncDisposable {
  readonly #client: UnixGrpcClient;

  /** @param endpoint path of the socket, with or without `unix://` */
  constructor(endpoint: string) {
    this.#client = new UnixGrpcClient(endpoint.replace(/^unix:(\/\/)?/, ""), {
      unavailable: runtimeUnavailable,
      timeout: runtimeTimeout,
      failed: runtimeCallFailed,
    });
  }

  execUrl(containerId: string, command: readonly string[], streams: ProcessStreams): Promise<string> {
    const request = new BinaryWriter().uint32(field(1, BYTES)).string(containerId);
    for (const word of command) request.uint32(field(2, BYTES)).string(word);
    flag(request, 3, streams.tty);
    flag(request, 4, streams.stdin);
    flag(request, 5, streams.stdout);
    flag(request, 6, streams.stderr);
    return this.#urlOf("Exec", request);
  }

  attachUrl(containerId: string, streams: ProcessStreams): Promise<string> {
    const request = new BinaryWriter().uint32(field(1, BYTES)).string(containerId);
    flag(request, 2, streams.stdin);
    flag(request, 3, streams.tty);
    flag(request, 4, streams.stdout);
    flag(request, 5, streams.stderr);
    return this.#urlOf("Attach", request);
  }

  portForwardUrl(sandboxId: string): Promise<string> {
    return this.#urlOf("PortForward", new BinaryWriter().uint32(field(1, BYTES)).string(sandboxId));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#client[Symbol.asyncDispose]();
  }

  /** All three answers have the address as their first field. */
  async #urlOf(method: string, request: BinaryWriter): Promise<string> {
    const reader = new BinaryReader(
      await this.#client.call({
        method: `/runtime.v1.RuntimeService/${method}`,
        request: request.finish(),
        timeoutMs: CALL_TIMEOUT_MS,
      }),
    );
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      if (tag === field(1, BYTES)) return reader.string();
      reader.skip(tag & 7);
    }
    return "";
  }
}

const VARINT = 0;
const BYTES = 2;

/** A field's tag on the wire. */
function field(number: number, wireType: number): number {
  return (number << 3) | wireType;
}

function flag(writer: BinaryWriter, number: number, value: boolean): void {
  if (value) writer.uint32(field(number, VARINT)).bool(true);
}
