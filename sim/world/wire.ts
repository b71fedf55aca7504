import type { Clock } from "@skerry/base";
import type { ConnectionHandlers, LinkConnection, PeerIdentity } from "@skerry/link";
import { agreedDelivery, DELIVERY_HEADER } from "@skerry/link";
import type { SimulatedNetwork } from "./simulated-network.ts";

export type Direction = "to-cloud" | "to-edge";

/** Frames that a cut cable holds per connection before the connection counts as broken, as a full TCP window would. */
const HELD_FRAMES_LIMIT = 1000;

/** Whom a connection joins. */
export interface WireEnds {
  readonly cloud: string;
  readonly node: PeerIdentity;
  /** Of the upgrade's request. */
  readonly headers: Readonly<Record<string, string>>;
}

/** One TCP-like connection: ordered, held while the cable is cut, torn down by a close or by silence. */
export class Wire {
  readonly node: string;
  readonly cloud: string;
  readonly cloudEnd: WireEnd;
  readonly edgeEnd: WireEnd;
  /** So much longer is everything on its way. */
  delayMs = 0;
  readonly #onGone: () => void;

  constructor(network: SimulatedNetwork, clock: Clock, { cloud, node, headers }: WireEnds, onGone: () => void) {
    this.node = node.name;
    this.cloud = cloud;
    const asked = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
    const agreed = agreedDelivery(asked[DELIVERY_HEADER]);
    const answered = agreed === undefined ? {} : { [DELIVERY_HEADER]: agreed };
    const cloudIdentity: PeerIdentity = { name: cloud, groups: [], certificateFingerprint: cloud };
    this.cloudEnd = new WireEnd(this, network, clock, "to-edge", node, asked);
    this.edgeEnd = new WireEnd(this, network, clock, "to-cloud", cloudIdentity, answered);
    this.cloudEnd.other = this.edgeEnd;
    this.edgeEnd.other = this.cloudEnd;
    this.#onGone = onGone;
  }

  flush(): void {
    this.cloudEnd.flush();
    this.edgeEnd.flush();
  }

  losePower(machine: string): void {
    this.#endOf(machine)?.losePower();
  }

  killProcess(machine: string): void {
    this.#endOf(machine)?.killProcess();
  }

  /** Nobody at the edge holds this connection; some time later it is noticed. */
  abandon(): void {
    this.edgeEnd.start({ onFrame: () => {}, onClose: () => {} });
    this.edgeEnd.closeLater();
  }

  /** An end is over. */
  ended(): void {
    if (this.cloudEnd.isOver && this.edgeEnd.isOver) this.#onGone();
  }

  #endOf(machine: string): WireEnd | undefined {
    if (machine === this.cloud) return this.cloudEnd;
    return machine === this.node ? this.edgeEnd : undefined;
  }
}

type Packet =
  | { readonly kind: "frame"; readonly text: string }
  | { readonly kind: "ping" }
  | { readonly kind: "pong" }
  | { readonly kind: "close"; readonly code: number; readonly reason: string };

/** Longer than any session takes to be replaced, in milliseconds. */
const ABANDONED_MS = 20_000;

type EndState =
  | "open"
  /** Closed or its process killed; what was given to the kernel still goes out. */
  | "closing"
  /** Its machine is without power. */
  | "silent";

/** One side of a {@link Wire}. */
export class WireEnd implements LinkConnection {
  readonly requestPath: string = "/events";
  readonly peer: PeerIdentity;
  readonly headers: Readonly<Record<string, string>>;
  other: WireEnd | undefined;
  readonly #wire: Wire;
  readonly #network: SimulatedNetwork;
  readonly #clock: Clock;
  readonly #direction: Direction;
  readonly #outgoing: Packet[] = [];
  readonly #incoming: Packet[] = [];
  #handlers: ConnectionHandlers | undefined;
  #state: EndState = "open";
  #isMoving = false;
  #isPaused = false;
  #bufferedLength = 0;
  /** Whether what comes for it after its machine lost its power is answered with a reset; drawn when the first comes. */
  #resetsStale: boolean | undefined;

  constructor(
    wire: Wire,
    network: SimulatedNetwork,
    clock: Clock,
    direction: Direction,
    peer: PeerIdentity,
    headers: Readonly<Record<string, string>>,
  ) {
    this.#wire = wire;
    this.#network = network;
    this.#clock = clock;
    this.#direction = direction;
    this.peer = peer;
    this.headers = headers;
  }

  /** Whether nothing comes from this end any more. */
  get isOver(): boolean {
    return this.#state !== "open" && this.#outgoing.length === 0;
  }

  get bufferedBytes(): number {
    return this.#bufferedLength;
  }

  start(handlers: ConnectionHandlers): void {
    this.#handlers = handlers;
    this.#dispatch();
  }

  send(text: string): void {
    this.#push({ kind: "frame", text });
    this.#network.backlog(this.bufferedBytes);
  }

  ping(): void {
    this.#push({ kind: "ping" });
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#dispatch();
  }

  close(code: number, reason: string): void {
    if (this.#state !== "open") return;
    this.#push({ kind: "close", code, reason });
    this.#end(code, reason);
  }

  closeLater(): void {
    this.#clock.setTimer(ABANDONED_MS, () => this.close(1006, "nobody holds this connection"));
  }

  losePower(): void {
    this.#state = "silent";
    this.#handlers = undefined;
    this.#forgetOutgoing();
    this.#wire.ended();
  }

  killProcess(): void {
    if (this.#state !== "open") return;
    this.#handlers = undefined;
    this.#push({ kind: "close", code: 1006, reason: "the connection was closed by the peer" });
    this.#state = "closing";
  }

  flush(): void {
    const first = this.#outgoing[0];
    const { node, cloud } = this.#wire;
    if (this.#isMoving || !first || !this.#network.passes(node, cloud, this.#direction)) return;
    this.#isMoving = true;
    const travelMs = this.#network.travelMs(node, lengthOf(first)) + this.#wire.delayMs;
    this.#clock.setTimer(travelMs, () => this.#arrive());
  }

  #arrive(): void {
    this.#isMoving = false;
    const { node, cloud } = this.#wire;
    if (!this.#network.passes(node, cloud, this.#direction)) return;
    const count = this.#network.isThrottled(node) ? 1 : this.#outgoing.length;
    for (const packet of this.#outgoing.splice(0, count)) {
      this.#bufferedLength -= lengthOf(packet);
      this.other?.receive(packet);
    }
    if (this.#outgoing.length > 0) this.flush();
    else if (this.#state !== "open") this.#wire.ended();
  }

  receive(packet: Packet): void {
    if (this.#state !== "open") {
      if (this.#state === "silent" && this.#isReset()) this.other?.reset();
      return;
    }
    this.#incoming.push(packet);
    this.#dispatch();
  }

  /** The same for all that comes: a firewall that swallows one reset swallows them all, and only silence tells. */
  #isReset(): boolean {
    this.#resetsStale ??= this.#network.resetsStaleConnection();
    return this.#resetsStale;
  }

  reset(): void {
    this.#forgetOutgoing();
    this.#end(1006, "connection reset by peer");
    this.#wire.ended();
  }

  #push(packet: Packet): void {
    if (this.#state !== "open") return;
    if (this.#outgoing.length >= HELD_FRAMES_LIMIT) {
      this.reset();
      return;
    }
    this.#outgoing.push(packet);
    this.#bufferedLength += lengthOf(packet);
    this.flush();
  }

  #dispatch(): void {
    while (this.#handlers && !this.#isPaused && this.#state === "open") {
      const packet = this.#incoming.shift();
      if (!packet) return;
      switch (packet.kind) {
        case "frame":
          this.#network.delivered(this.#wire.node, this.#direction === "to-edge" ? "to-cloud" : "to-edge", packet.text);
          this.#handlers.onFrame(packet.text);
          break;
        case "ping":
          this.#push({ kind: "pong" });
          this.#handlers?.onAlive?.();
          break;
        case "pong":
          this.#handlers.onAlive?.();
          break;
        case "close":
          this.#end(packet.code, packet.reason);
          break;
      }
    }
  }

  #forgetOutgoing(): void {
    this.#outgoing.length = 0;
    this.#bufferedLength = 0;
  }

  #end(code: number, reason: string): void {
    if (this.#state !== "open") return;
    this.#state = "closing";
    const handlers = this.#handlers;
    this.#handlers = undefined;
    handlers?.onClose({ code, reason });
    this.#wire.ended();
  }
}

function lengthOf(packet: Packet): number {
  return packet.kind === "frame" ? packet.text.length : 0;
}
