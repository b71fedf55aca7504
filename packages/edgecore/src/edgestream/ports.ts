import type { ByteStream } from "@skerry/streams";

/** What of a process' input and output is wanted. */
export interface ProcessStreams {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

/** The runtime's own streaming server: each call gives an address that can be dialled once. */
export interface StreamingRuntime {
  /** @throws SkerryError `RUNTIME_*` */
  execUrl(containerId: string, command: readonly string[], streams: ProcessStreams): Promise<string>;
  attachUrl(containerId: string, streams: ProcessStreams): Promise<string>;
  portForwardUrl(sandboxId: string): Promise<string>;
}

/** Carries a stream to a TCP server of this machine. */
export interface LoopbackRelay {
  /**
   * Writes the head, then carries bytes both ways until either side ends.
   * @throws SkerryError `EDGESTREAM_RUNTIME_UNREACHABLE` before anything was carried
   */
  relay(host: string, port: number, head: Uint8Array, stream: ByteStream): Promise<void>;
}
