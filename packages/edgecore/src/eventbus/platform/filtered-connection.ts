import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { PacketCutter } from "./packet-cutter.ts";

/** Takes a packet that has come; false: the `mqtt` package is to have it. */
export type PacketTaker = (packet: Buffer, connection: FilteredConnection) => boolean;

/**
 * A connection to a broker as the `mqtt` package is given it: without the packets that are taken before. The package needs
 * 20 steps through streams, logs and timers for each packet; for thousands a second, of the two kinds that nearly all are,
 * that is more than what is done with them.
 */
export class FilteredConnection extends Duplex {
  readonly #socket: Socket;
  readonly #cutter = new PacketCutter();
  /** The package has enough for now. */
  #isFull = false;
  #isHeld = false;

  constructor(socket: Socket, take: PacketTaker) {
    super();
    this.#socket = socket;
    const handle = (packet: Buffer): void => {
      if (!take(packet, this) && !this.push(packet)) this.#isFull = true;
    };
    socket.on("data", (piece) => {
      this.#cutter.cut(piece, handle);
      this.#readOn();
    });
    socket.on("error", (error) => this.destroy(error));
    socket.on("close", () => this.destroy());
  }

  /** Nothing more is read until {@link release}, but for what has been read already: some 64 KiB. */
  hold(): void {
    this.#isHeld = true;
  }

  release(): void {
    this.#isHeld = false;
    this.#readOn();
  }

  override _read(): void {
    this.#isFull = false;
    this.#readOn();
  }

  override _write(piece: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#socket.write(piece)) done();
    else this.#socket.once("drain", done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }

  #readOn(): void {
    if (this.#isFull || this.#isHeld) this.#socket.pause();
    else this.#socket.resume();
  }
}
