import { once } from "node:events";
import { request } from "node:http";
import type { Duplex } from "node:stream";
import { RemoteCommandBridge, type RemoteCommandStreams } from "../../packages/streams/src/index.ts";
import { PortForwardSocket } from "../../packages/streams/src/platform/index.ts";

/** Dials an address of a container runtime's streaming server; rejects with the HTTP status when it refuses. */
export async function dialStream(url: string, protocol: string, upgrade = "SPDY/3.1"): Promise<Duplex> {
  const asking = request(url, {
    method: "POST",
    headers: { Connection: "Upgrade", Upgrade: upgrade, "X-Stream-Protocol-Version": protocol },
  });
  const refused = once(asking, "response").then(([response]) => {
    response.resume();
    throw new Error(`refused with ${response.statusCode}`);
  });
  refused.catch(() => undefined); // An upgrade may win.
  const upgraded = once(asking, "upgrade") as Promise<[unknown, Duplex, Buffer]>;
  asking.end();
  const [, socket, early] = await Promise.race([upgraded, refused]);
  if (early.length > 0) socket.unshift(early);
  return socket;
}

/** A client of exec or attach, as the API server is one. */
export class CommandClient {
  readonly #socket: Duplex;
  readonly #bridge: RemoteCommandBridge;
  readonly #said = new Map<number, string>();
  readonly #ended = Promise.withResolvers<void>();

  private constructor(socket: Duplex, wanted: RemoteCommandStreams) {
    this.#socket = socket;
    this.#bridge = new RemoteCommandBridge(wanted, {
      sendToRuntime: (bytes) => void socket.write(bytes),
      sendToClient: ([channel = 0, ...bytes]) =>
        this.#said.set(channel, this.#text(channel) + Buffer.from(bytes).toString("latin1")),
      end: () => this.#ended.resolve(),
    });
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#ended.resolve());
    socket.on("data", (bytes: Uint8Array) => this.#bridge.fromRuntime(bytes));
  }

  static async dial(url: string, wanted: RemoteCommandStreams): Promise<CommandClient> {
    return new CommandClient(await dialStream(url, "v4.channel.k8s.io"), wanted);
  }

  get stdout(): string {
    return this.#text(1);
  }

  get stderr(): string {
    return this.#text(2);
  }

  type(text: string): void {
    this.#bridge.fromClient(Buffer.from(`\0${text}`));
  }

  endInput(): void {
    this.#bridge.fromClient(Uint8Array.from([255, 0]));
  }

  resize(columns: number, rows: number): void {
    this.#bridge.fromClient(Buffer.from(`\x04${JSON.stringify({ Width: columns, Height: rows })}\n`));
  }

  /** What the runtime says at the end: an exit code, or what went wrong. */
  async status(): Promise<number | string> {
    await this.#ended.promise;
    const { status, message, details } = JSON.parse(this.#text(3));
    return status === "Success" ? 0 : details ? Number(details.causes[0].message) : message;
  }

  /** Goes away without a word. */
  leave(): void {
    this.#socket.destroy();
  }

  #text(channel: number): string {
    return this.#said.get(channel) ?? "";
  }
}

/** A connection to a port of a pod. */
export async function forwardPort(url: string, port: number): Promise<PortForwardSocket> {
  return new PortForwardSocket(port, await dialStream(url, "portforward.k8s.io"), Buffer.alloc(0));
}
