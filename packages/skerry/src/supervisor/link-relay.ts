import { connect, createServer, type Server, type Socket } from "node:net";
import type { Logger } from "@skerry/base";

/** Where a relay listens and what it leads to. */
export interface RelayRoute {
  readonly listenAddress: string;
  /** 0 chooses a free one. */
  readonly listenPort: number;
  readonly targetAddress: string;
  readonly targetPort: number;
}

/** What passed the relay. */
export interface RelayStatus {
  readonly cut: boolean;
  readonly connections: number;
  readonly refusedConnections: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
}

/** More than an edge node ever has; beyond it new connections are refused and counted. */
const CONNECTION_LIMIT = 256;

/**
 * The cable between an edge node and CloudCore. A cut one behaves as if it were pulled: no byte passes, no connection
 * is closed or refused, what was sent waits in the system's buffers until they are full, and new connections get no
 * answer. When it is restored, all that waited goes on.
 */
export class LinkRelay implements AsyncDisposable {
  readonly #route: RelayRoute;
  readonly #logger: Logger;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Accepted while cut: they are led on when the cable is restored. */
  readonly #waiting = new Set<Socket>();
  /** Breaks that happened while cut: the other side hears of them when the cable is restored. */
  readonly #heldBreaks: (() => void)[] = [];
  #cut = false;
  #refused = 0;
  #bytesUp = 0;
  #bytesDown = 0;

  constructor(route: RelayRoute, logger: Logger) {
    this.#route = route;
    this.#logger = logger;
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => this.#accept(socket));
  }

  /** Begins to listen; resolves with the port. */
  async start(): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(this.#route.listenPort, this.#route.listenAddress, resolve);
    });
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  get status(): RelayStatus {
    return {
      cut: this.#cut,
      connections: this.#sockets.size,
      refusedConnections: this.#refused,
      bytesUp: this.#bytesUp,
      bytesDown: this.#bytesDown,
    };
  }

  /** Pulls the cable. */
  cut(): void {
    if (this.#cut) return;
    this.#cut = true;
    for (const socket of this.#sockets) socket.pause();
  }

  /** Plugs the cable in again. */
  restore(): void {
    if (!this.#cut) return;
    this.#cut = false;
    for (const socket of this.#sockets) if (!this.#waiting.has(socket)) socket.resume();
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const socket of waiting) this.#lead(socket);
    for (const tellBreak of this.#heldBreaks.splice(0)) tellBreak();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #accept(socket: Socket): void {
    if (this.#sockets.size >= CONNECTION_LIMIT) {
      this.#refused += 1;
      socket.destroy();
      return;
    }
    this.#track(socket);
    if (this.#cut) this.#waiting.add(socket);
    else this.#lead(socket);
  }

  #lead(edge: Socket): void {
    if (edge.destroyed) return;
    const cloud = connect({
      host: this.#route.targetAddress,
      port: this.#route.targetPort,
      allowHalfOpen: true,
      noDelay: true,
    });
    cloud.pause();
    edge.setNoDelay(true);
    this.#track(cloud);
    this.#pass(edge, cloud, (bytes) => {
      this.#bytesUp += bytes;
    });
    this.#pass(cloud, edge, (bytes) => {
      this.#bytesDown += bytes;
    });
    if (!this.#cut) {
      edge.resume();
      cloud.resume();
    }
  }

  /** Leads the bytes, the end and the breaking off of one direction; slows the sender when the receiver is slow. */
  #pass(from: Socket, to: Socket, count: (bytes: number) => void): void {
    from.on("data", (chunk: Buffer) => {
      count(chunk.byteLength);
      if (!to.write(chunk)) from.pause();
    });
    to.on("drain", () => {
      if (!this.#cut) from.resume();
    });
    from.on("end", () => to.end());
    from.on("close", (hadError) => {
      if (!hadError) return;
      if (this.#cut) this.#heldBreaks.push(() => to.resetAndDestroy());
      else to.resetAndDestroy();
    });
  }

  #track(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", (error) => this.#logger.debug("A relayed connection broke", { reason: error.message }));
    socket.on("close", () => {
      this.#sockets.delete(socket);
      this.#waiting.delete(socket);
    });
  }
}
