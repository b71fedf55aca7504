import { encodeSpdyControl, encodeSpdyData, encodeSynStream, SpdyFrameReader, spdyTypes } from "./spdy-frame.ts";

/** WebSocket's protocol for exec and attach in which each channel can be closed by itself. */
export const REMOTE_COMMAND_V5 = "v5.channel.k8s.io";
/** Its counterpart over SPDY, in `X-Stream-Protocol-Version`. */
export const REMOTE_COMMAND_SPDY_VERSION = "v4.channel.k8s.io";

/** What of a process' input and output is wanted. */
export interface RemoteCommandStreams {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

/** Where a {@link RemoteCommandBridge} sends to. */
export interface RemoteCommandPorts {
  /** To the runtime, over SPDY. */
  sendToRuntime(bytes: Uint8Array): void;
  /** To the client, as one WebSocket message. */
  sendToClient(message: Uint8Array): void;
  /** All that the process had to say was said. */
  end(): void;
}

type ChannelName = "stdin" | "stdout" | "stderr" | "error" | "resize";

/** Numbers that begin a message, by channel. */
const CHANNELS: Readonly<Record<ChannelName, number>> = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4 };
/** Begins a message whose second byte is the channel that has ended. */
const CLOSE_CHANNEL = 255;

/**
 * Translates between a client that speaks `v5.channel.k8s.io` over WebSocket and a container runtime that speaks SPDY/3.1,
 * for exec and attach, as a kube-apiserver does for its kubelets. Older WebSocket protocols cannot say that standard
 * input has ended, and runtimes do not speak the newer one.
 */
export class RemoteCommandBridge {
  readonly #ports: RemoteCommandPorts;
  readonly #reader = new SpdyFrameReader();
  /** Streams that the runtime may still write to, with the client's channel. */
  readonly #readable = new Map<number, number>();
  /** Streams that the client may still write to, by channel. */
  readonly #writable = new Map<number, number>();
  #hasEnded = false;

  /** Opens the wanted streams at the runtime. */
  constructor(wanted: RemoteCommandStreams, ports: RemoteCommandPorts) {
    this.#ports = ports;
    const names: readonly ChannelName[] = [
      "error",
      ...(wanted.stdin ? (["stdin"] as const) : []),
      ...(wanted.stdout ? (["stdout"] as const) : []),
      // A terminal has one output only.
      ...(wanted.stderr && !wanted.tty ? (["stderr"] as const) : []),
      ...(wanted.tty ? (["resize"] as const) : []),
    ];
    names.forEach((name, at) => {
      const streamId = 2 * at + 1; // A client's streams have odd numbers.
      const isInput = name === "stdin" || name === "resize";
      if (isInput) this.#writable.set(CHANNELS[name], streamId);
      else this.#readable.set(streamId, CHANNELS[name]);
      ports.sendToRuntime(encodeSynStream(streamId, { streamtype: name }, at === 0));
    });
  }

  /** A WebSocket message of the client: a channel and what is for it. What is for no open channel is dropped. */
  fromClient(message: Uint8Array): void {
    const [channel = -1, closed = -1] = message;
    if (channel === CLOSE_CHANNEL) {
      const streamId = this.#writable.get(closed);
      this.#writable.delete(closed);
      if (streamId !== undefined) this.#ports.sendToRuntime(encodeSpdyData(streamId, new Uint8Array(), true));
      return;
    }
    const streamId = this.#writable.get(channel);
    if (streamId !== undefined && message.length > 1)
      this.#ports.sendToRuntime(encodeSpdyData(streamId, message.subarray(1), false));
  }

  /** Bytes of the runtime's connection. @throws SkerryError `STREAMS_FRAME_INVALID` */
  fromRuntime(bytes: Uint8Array): void {
    for (const event of this.#reader.read(bytes)) {
      if (event.kind === "data") {
        this.#passOn(event.streamId, event.bytes);
        if (event.isLast) this.#ended(event.streamId);
        continue;
      }
      const { type, payload } = event;
      if (type === spdyTypes.ping) this.#ports.sendToRuntime(encodeSpdyControl(spdyTypes.ping, payload));
      if (type === spdyTypes.rstStream && payload.length >= 4)
        this.#ended(new DataView(payload.buffer, payload.byteOffset).getUint32(0) & 0x7f_ff_ff_ff);
    }
  }

  #passOn(streamId: number, bytes: Uint8Array): void {
    const channel = this.#readable.get(streamId);
    if (channel === undefined || bytes.length === 0) return;
    const message = new Uint8Array(1 + bytes.length);
    message[0] = channel;
    message.set(bytes, 1);
    this.#ports.sendToClient(message);
  }

  #ended(streamId: number): void {
    this.#readable.delete(streamId);
    if (this.#readable.size > 0 || this.#hasEnded) return;
    this.#hasEnded = true;
    this.#ports.end();
  }
}
