import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { encodeResponseHead } from "@skerry/streams";
import { SpdyServer } from "@skerry/streams/platform";
import type { StreamSession } from "./stream-session.ts";

/** What an address leads to. */
export interface Offer {
  /** For people, as the first part of the address' path. */
  readonly kind: "exec" | "attach" | "portforward";
  /** The one protocol that is spoken, in `X-Stream-Protocol-Version`. */
  readonly protocol: string;
  open(): StreamSession;
}

/** An address that nobody dials is forgotten. */
const OFFER_MS = 60_000;
/** The oldest is forgotten for a new one. */
const MOST_OFFERS = 256;
/** EdgeCore opens 48 at most: docs/streams.md. */
const MOST_CONNECTIONS = 64;

/**
 * The process runtime's streaming server, as CRI wants one: a call gives an address on the loopback interface, with a secret
 * in it, that can be dialled once. It speaks SPDY/3.1.
 */
export class StreamingServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #offers = new Map<string, { readonly offer: Offer; readonly timer: NodeJS.Timeout }>();
  readonly #connections = new Set<Duplex>();

  private constructor(server: Server) {
    this.#server = server;
    server.on("upgrade", (request, socket, early: Buffer) => this.#upgrade(request, socket, early));
    server.on("request", (_request, response) => response.writeHead(400).end("an upgrade to SPDY/3.1 is needed\n"));
  }

  /** Listens on a free port of the loopback interface. */
  static async listen(): Promise<StreamingServer> {
    const server = createServer({ maxHeaderSize: 16 * 1024 });
    server.maxConnections = 2 * MOST_CONNECTIONS;
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new StreamingServer(server);
  }

  /** The address at which a client can dial this, once and soon. */
  offer(offer: Offer): string {
    const [oldest] = this.#offers.size >= MOST_OFFERS ? this.#offers.keys() : [];
    if (oldest !== undefined) this.#take(oldest);
    const token = randomBytes(24).toString("base64url");
    const timer = setTimeout(() => this.#offers.delete(token), OFFER_MS);
    timer.unref();
    this.#offers.set(token, { offer, timer });
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}/${offer.kind}/${token}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const token of [...this.#offers.keys()]) this.#take(token);
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const connection of this.#connections) connection.destroy();
    this.#server.closeAllConnections();
    await closed;
  }

  #take(token: string): Offer | undefined {
    const found = this.#offers.get(token);
    clearTimeout(found?.timer);
    this.#offers.delete(token);
    return found?.offer;
  }

  /** What a request is about, or why not. */
  #offerFor({ url = "", headers }: IncomingMessage): Offer | { readonly status: number; readonly reason: string } {
    if (this.#connections.size >= MOST_CONNECTIONS) return { status: 429, reason: "Too many streams are open" };
    if (headers.upgrade?.toLowerCase() !== "spdy/3.1")
      return { status: 400, reason: "The process runtime speaks SPDY/3.1 only" };
    const [, kind, token = ""] = url.split("/");
    const offer = this.#take(token);
    if (!offer || offer.kind !== kind) return { status: 404, reason: "This address was used, or it is too old" };
    // Several headers of one name come as one, with commas.
    const asked = String(headers["x-stream-protocol-version"] ?? "").split(",");
    if (!asked.some((each) => each.trim() === offer.protocol))
      return { status: 403, reason: `Only ${offer.protocol} is spoken` };
    return offer;
  }

  #upgrade(request: IncomingMessage, socket: Duplex, early: Buffer): void {
    socket.on("error", () => socket.destroy());
    const offer = this.#offerFor(request);
    if ("status" in offer) {
      socket.end(encodeResponseHead(offer.status, offer.reason, { Connection: "close" }));
      return;
    }
    const accepted = { Connection: "Upgrade", Upgrade: "SPDY/3.1", "X-Stream-Protocol-Version": offer.protocol };
    socket.write(encodeResponseHead(101, "Switching Protocols", accepted));
    if (early.length > 0) socket.unshift(early);
    void this.#serve(offer, socket);
  }

  /** Never rejects. */
  async #serve(offer: Offer, socket: Duplex): Promise<void> {
    this.#connections.add(socket);
    const session = offer.open();
    const server = new SpdyServer(socket, (stream) => session.onStream(stream));
    void session.ended.then(() => server.close());
    await server.serve();
    session.abandon();
    this.#connections.delete(socket);
  }
}
