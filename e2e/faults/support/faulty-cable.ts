import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { Transform } from "node:stream";

/** `up` is from the edge to the cloud. */
export type Direction = "up" | "down";

/** The bytes that pass the cable, or wait, in one direction. */
interface DirectionState {
  blocked: boolean;
  delayMs: number;
  /** Called when the direction is open again. */
  readonly waiting: (() => void)[];
}

/** A TCP relay that is half-open or slow on request. It never closes a connection by itself, nor loses a byte. */
export class FaultyCable implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #directions: Readonly<Record<Direction, DirectionState>> = {
    up: { blocked: false, delayMs: 0, waiting: [] },
    down: { blocked: false, delayMs: 0, waiting: [] },
  };

  private constructor(targetPort: number) {
    this.#server = createServer({ noDelay: true }, (edge) => {
      const cloud = connect({ host: "127.0.0.1", port: targetPort, noDelay: true });
      this.#join(edge, cloud);
    });
  }

  /** Begins to lead connections to a port of this machine. */
  static async start(targetPort: number): Promise<FaultyCable> {
    const cable = new FaultyCable(targetPort);
    await once(cable.#server.listen(0, "127.0.0.1"), "listening");
    return cable;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  /** Nothing passes in this direction any more; the other goes on. */
  block(direction: Direction): void {
    this.#directions[direction].blocked = true;
  }

  /** What waited passes, in order. */
  unblock(direction: Direction): void {
    const state = this.#directions[direction];
    state.blocked = false;
    for (const go of state.waiting.splice(0)) go();
  }

  /** Each piece takes this much longer, in both directions. */
  delay(delayMs: number): void {
    this.#directions.up.delayMs = delayMs;
    this.#directions.down.delayMs = delayMs;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #join(edge: Socket, cloud: Socket): void {
    for (const [from, to, direction] of [
      [edge, cloud, "up"],
      [cloud, edge, "down"],
    ] as const) {
      this.#sockets.add(from);
      from.on("error", () => to.destroy());
      from.on("close", () => this.#sockets.delete(from));
      from.pipe(this.#passage(this.#directions[direction])).pipe(to);
    }
  }

  #passage(state: DirectionState): Transform {
    return new Transform({
      transform(chunk, _encoding, done) {
        const pass = (): void => {
          if (state.blocked) state.waiting.push(pass);
          else done(null, chunk);
        };
        if (state.delayMs === 0) pass();
        else setTimeout(pass, state.delayMs);
      },
    });
  }
}
