import type { ByteStream } from "@skerry/streams";

/** An open log file; it stays readable when it is renamed. */
export interface LogFile extends AsyncDisposable {
  /** Tells files apart, whatever their names are now. */
  readonly id: string;
  sizeBytes(): Promise<number>;
  /** At most `limitBytes` from a position; empty at the end. */
  read(position: number, limitBytes: number): Promise<Uint8Array>;
}

/** The containers' log files. Paths are absolute. */
export interface LogFiles {
  /** Names in a folder; none when there is no such folder. */
  list(folder: string): Promise<string[]>;
  /** Undefined when there is no such file. */
  open(path: string): Promise<LogFile | undefined>;
  /** The {@link LogFile.id} of what is at the path now; undefined when nothing is. */
  idAt(path: string): Promise<string | undefined>;
}

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
