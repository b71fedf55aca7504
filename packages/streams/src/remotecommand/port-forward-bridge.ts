import { encodeSpdyControl, encodeSpdyData, encodeSynStream, SpdyFrameReader, spdyTypes } from "./spdy-frame.ts";

/** Port-forward's protocol over SPDY, in `X-Stream-Protocol-Version`. */
export const PORT_FORWARD_SPDY_VERSION = "portforward.k8s.io";

/** Where a {@link PortForwardBridge} sends to. */
export interface PortForwardPorts {
  /** To the runtime, over SPDY. */
  sendToRuntime(bytes: Uint8Array): void;
  /** What came from the pod's port. */
  receive(bytes: Uint8Array): void;
  /** Nothing more will come; with the runtime's words when it could not connect to the port. Called once. */
  end(failure: string | undefined): void;
}

const ERROR_STREAM_ID = 1;
const DATA_STREAM_ID = 3;
const MAX_FAILURE_BYTES = 4 * 1024;

/**
 * One connection to a port of a pod, made as `kubectl port-forward` makes it: a stream for data and one for the runtime's
 * errors, over a SPDY/3.1 connection that is used for nothing else.
 */
export class PortForwardBridge {
  readonly #ports: PortForwardPorts;
  readonly #reader = new SpdyFrameReader();
  /** Streams that the runtime may still write to. */
  readonly #readable = new Set([ERROR_STREAM_ID, DATA_STREAM_ID]);
  #failure = "";
  #hasEnded = false;

  /** Opens both streams at the runtime. */
  constructor(port: number, ports: PortForwardPorts) {
    this.#ports = ports;
    const headers = { port: String(port), requestid: "0" };
    ports.sendToRuntime(encodeSynStream(ERROR_STREAM_ID, { streamtype: "error", ...headers }, true));
    ports.sendToRuntime(encodeSpdyData(ERROR_STREAM_ID, new Uint8Array(), true));
    ports.sendToRuntime(encodeSynStream(DATA_STREAM_ID, { streamtype: "data", ...headers }, false));
  }

  /** Bytes for the pod's port. */
  send(bytes: Uint8Array): void {
    this.#ports.sendToRuntime(encodeSpdyData(DATA_STREAM_ID, bytes, false));
  }

  /** Nothing more comes for the pod's port. */
  sendEnd(): void {
    this.#ports.sendToRuntime(encodeSpdyData(DATA_STREAM_ID, new Uint8Array(), true));
  }

  /** Bytes of the runtime's connection. @throws SkerryError `STREAMS_FRAME_INVALID` */
  fromRuntime(bytes: Uint8Array): void {
    for (const event of this.#reader.read(bytes)) {
      if (event.kind === "data") {
        if (!this.#readable.has(event.streamId)) continue;
        if (event.streamId === ERROR_STREAM_ID) this.#noteFailure(event.bytes);
        else if (event.bytes.length > 0) this.#ports.receive(event.bytes);
        if (event.isLast) this.#ended(event.streamId);
        continue;
      }
      const { type, payload } = event;
      if (type === spdyTypes.ping) this.#ports.sendToRuntime(encodeSpdyControl(spdyTypes.ping, payload));
      if (type === spdyTypes.rstStream && payload.length >= 4)
        this.#ended(new DataView(payload.buffer, payload.byteOffset).getUint32(0) & 0x7f_ff_ff_ff);
    }
  }

  /** The runtime's connection has ended. */
  runtimeEnded(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#ports.end(this.#failure === "" ? undefined : this.#failure);
  }

  #noteFailure(bytes: Uint8Array): void {
    this.#failure = (this.#failure + new TextDecoder().decode(bytes)).slice(0, MAX_FAILURE_BYTES);
  }

  /** The data's end alone does not say whether there was an error: its text may come after it. */
  #ended(streamId: number): void {
    this.#readable.delete(streamId);
    if (this.#readable.size === 0) this.runtimeEnded();
  }
}
