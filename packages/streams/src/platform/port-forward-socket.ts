import { Duplex } from "node:stream";
import { portNotReached } from "../errors.ts";
import { PortForwardBridge } from "../remotecommand/port-forward-bridge.ts";

/**
 * A connection to a port of a pod, over an upgraded SPDY/3.1 connection to its node, which it takes over. It is destroyed
 * with `STREAMS_PORT_NOT_REACHED` when nothing listens there.
 */
export class PortForwardSocket extends Duplex {
  readonly #node: Duplex;
  readonly #bridge: PortForwardBridge;

  /** @param early what was read of the node's connection before */
  constructor(port: number, node: Duplex, early: Uint8Array) {
    super({ allowHalfOpen: false });
    this.#node = node;
    this.on("error", () => undefined); // Its user may not listen yet; `destroyed` and `close` tell it too.
    this.#bridge = new PortForwardBridge(port, {
      sendToRuntime: (bytes) => node.write(bytes),
      receive: (bytes) => {
        if (!this.push(bytes)) node.pause();
      },
      end: (failure) => {
        if (failure === undefined) this.push(null);
        else this.destroy(portNotReached(port, failure));
      },
    });
    node.on("error", (error) => this.destroy(error));
    node.on("close", () => this.#bridge.runtimeEnded());
    if (early.length > 0) node.unshift(early);
    node.on("data", (bytes: Uint8Array) => this.#fromNode(bytes));
  }

  override _read(): void {
    this.#node.resume();
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#bridge.send(chunk);
    if (!this.#node.writableNeedDrain) done();
    else this.#node.once("drain", () => done());
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#bridge.sendEnd();
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#node.destroy();
    done(error);
  }

  #fromNode(bytes: Uint8Array): void {
    if (this.destroyed) return;
    try {
      this.#bridge.fromRuntime(bytes);
    } catch (error) {
      this.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  }
}
