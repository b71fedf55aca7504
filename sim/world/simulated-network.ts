import type { Clock } from "@skerry/base";
import { SkerryError } from "@skerry/base";
import type { ConnectionHandlers, LinkConnection, LinkDialer, LinkListen, PeerIdentity } from "@skerry/link";
import { agreedDelivery, DELIVERY_HEADER } from "@skerry/link";
import type { SeededRandom } from "./seeded-random.ts";

/** What the cable does now: everything through, nothing through, or only one way. */
export type CableState = "up" | "cut" | "only-to-cloud" | "only-to-edge";

type Direction = "to-cloud" | "to-edge";

/** Frames that a cut cable holds per connection before the connection counts as broken, as a full TCP window would. */
const HELD_FRAMES_LIMIT = 1000;

/**
 * The network between one edge and one cloud. A cut cable holds what is sent, as TCP would retransmit it, and neither
 * end is told; a machine that crashes resets nothing: its peer finds out by itself.
 */
export class SimulatedNetwork {
  readonly #clock: Clock;
  readonly #random: SeededRandom;
  readonly #connections = new Set<Wire>();
  #listener: ((connection: LinkConnection) => void) | undefined;
  #cable: CableState = "up";
  /** Frames handed over so far, by direction. */
  readonly deliveredFrames: Record<Direction, number> = { "to-cloud": 0, "to-edge": 0 };

  constructor(clock: Clock, random: SeededRandom) {
    this.#clock = clock;
    this.#random = random;
  }

  get cable(): CableState {
    return this.#cable;
  }

  /** Whether a node could connect now. */
  get isCloudReachable(): boolean {
    return this.#cable === "up" && this.#listener !== undefined;
  }

  setCable(state: CableState): void {
    this.#cable = state;
    for (const wire of this.#connections) wire.flush();
  }

  passes(direction: Direction): boolean {
    if (this.#cable === "up") return true;
    return this.#cable === (direction === "to-cloud" ? "only-to-cloud" : "only-to-edge");
  }

  latencyMs(): number {
    return this.#random.between(1, 40);
  }

  /** Whether a machine that restarted answers a stale connection with a reset, instead of nothing. */
  resetsStaleConnection(): boolean {
    return this.#random.chance(0.5);
  }

  /** The cloud's listening port; it is closed by a crash of the cloud. */
  readonly listen: LinkListen = async (onConnection) => {
    this.#listener = onConnection;
    return {
      port: 10000,
      [Symbol.asyncDispose]: async () => {
        if (this.#listener === onConnection) this.#listener = undefined;
      },
    };
  };

  /** The dialler of the node with this (already verified) identity. */
  dialer(node: PeerIdentity): LinkDialer {
    return {
      dial: (_url, headers, signal) =>
        new Promise((resolve, reject) => {
          const refuse = (reason: string): void => reject(dialFailed(reason));
          signal.addEventListener("abort", () => refuse("given up"), { once: true });
          const attempt = (): void => {
            if (signal.aborted) return;
            if (!this.passes("to-cloud") || !this.passes("to-edge")) {
              this.#clock.setTimer(200, attempt);
              return;
            }
            const listener = this.#listener;
            if (!listener) {
              refuse("connection refused");
              return;
            }
            const wire = new Wire(this, this.#clock, node, headers, () => this.#connections.delete(wire));
            this.#connections.add(wire);
            listener(wire.cloudEnd);
            this.#clock.setTimer(this.latencyMs(), () => resolve(wire.edgeEnd));
          };
          this.#clock.setTimer(this.latencyMs(), attempt);
        }),
    };
  }

  /** A machine lost power: its ends fall silent; the other side is not told. */
  silence(side: "cloud" | "edge"): void {
    if (side === "cloud") this.#listener = undefined;
    for (const wire of this.#connections) wire.silence(side);
  }
}

function dialFailed(reason: string): SkerryError {
  return new SkerryError({
    code: "LINK_DIAL_FAILED",
    message: `The simulated network did not connect: ${reason}`,
    advice: "Nothing to do: a simulated fault.",
  });
}

/** One TCP-like connection: ordered, held while the cable is cut, torn down by close or by silence. */
class Wire {
  readonly cloudEnd: End;
  readonly edgeEnd: End;
  readonly #onGone: () => void;

  constructor(
    network: SimulatedNetwork,
    clock: Clock,
    node: PeerIdentity,
    headers: Readonly<Record<string, string>>,
    onGone: () => void,
  ) {
    const lower = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
    const cloud: PeerIdentity = { name: "cloudcore", groups: [], certificateFingerprint: "cloud" };
    this.cloudEnd = new End(network, clock, "to-edge", node, lower);
    const agreed = agreedDelivery(lower[DELIVERY_HEADER]);
    this.edgeEnd = new End(
      network,
      clock,
      "to-cloud",
      cloud,
      agreed === undefined ? {} : { [DELIVERY_HEADER]: agreed },
    );
    this.cloudEnd.peerEnd = this.edgeEnd;
    this.edgeEnd.peerEnd = this.cloudEnd;
    this.#onGone = onGone;
  }

  flush(): void {
    this.cloudEnd.flush();
    this.edgeEnd.flush();
    if (this.cloudEnd.gone && this.edgeEnd.gone) this.#onGone();
  }

  silence(side: "cloud" | "edge"): void {
    (side === "cloud" ? this.cloudEnd : this.edgeEnd).silence();
    if (this.cloudEnd.gone && this.edgeEnd.gone) this.#onGone();
  }
}

type Packet =
  | { readonly kind: "frame"; readonly text: string }
  | { readonly kind: "ping" }
  | { readonly kind: "pong" }
  | { readonly kind: "close"; readonly code: number; readonly reason: string };

class End implements LinkConnection {
  readonly requestPath: string = "/events";
  readonly peer: PeerIdentity;
  readonly headers: Readonly<Record<string, string>>;
  peerEnd: End | undefined;
  gone = false;
  readonly #network: SimulatedNetwork;
  readonly #clock: Clock;
  readonly #direction: Direction;
  readonly #outgoing: Packet[] = [];
  readonly #incoming: Packet[] = [];
  #handlers: ConnectionHandlers | undefined;
  #moving = false;
  #paused = false;
  #silenced = false;

  constructor(
    network: SimulatedNetwork,
    clock: Clock,
    direction: Direction,
    peer: PeerIdentity,
    headers: Readonly<Record<string, string>>,
  ) {
    this.#network = network;
    this.#clock = clock;
    this.#direction = direction;
    this.peer = peer;
    this.headers = headers;
  }

  get bufferedBytes(): number {
    return this.#outgoing.reduce((sum, packet) => sum + (packet.kind === "frame" ? packet.text.length : 0), 0);
  }

  start(handlers: ConnectionHandlers): void {
    this.#handlers = handlers;
    this.#dispatch();
  }

  send(text: string): void {
    this.#push({ kind: "frame", text });
  }

  ping(): void {
    this.#push({ kind: "ping" });
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#dispatch();
  }

  close(code: number, reason: string): void {
    if (this.gone) return;
    this.#push({ kind: "close", code, reason });
    this.#end(code, reason);
  }

  /** The machine is off: nothing goes out any more, nothing is called back. */
  silence(): void {
    this.gone = true;
    this.#silenced = true;
    this.#handlers = undefined;
    this.#outgoing.length = 0;
  }

  flush(): void {
    if (this.#moving || this.#outgoing.length === 0 || !this.#network.passes(this.#direction)) return;
    this.#moving = true;
    this.#clock.setTimer(this.#network.latencyMs(), () => {
      this.#moving = false;
      if (!this.#network.passes(this.#direction)) return;
      for (const packet of this.#outgoing.splice(0)) this.peerEnd?.receive(packet);
    });
  }

  receive(packet: Packet): void {
    if (this.gone) {
      if (this.#silenced && this.#network.resetsStaleConnection()) this.peerEnd?.reset();
      return;
    }
    this.#incoming.push(packet);
    this.#dispatch();
  }

  reset(): void {
    this.#end(1006, "connection reset by peer");
  }

  #push(packet: Packet): void {
    if (this.gone) return;
    if (this.#outgoing.length >= HELD_FRAMES_LIMIT) {
      this.#end(1006, "the send buffer is full");
      return;
    }
    this.#outgoing.push(packet);
    this.flush();
  }

  #dispatch(): void {
    while (this.#handlers && !this.#paused && !this.gone) {
      const packet = this.#incoming.shift();
      if (!packet) return;
      switch (packet.kind) {
        case "frame":
          this.#network.deliveredFrames[this.#direction === "to-edge" ? "to-cloud" : "to-edge"]++;
          this.#handlers.onFrame(packet.text);
          break;
        case "ping":
          this.#push({ kind: "pong" });
          this.#handlers.onAlive?.();
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

  #end(code: number, reason: string): void {
    if (this.gone) return;
    this.gone = true;
    const handlers = this.#handlers;
    this.#handlers = undefined;
    handlers?.onClose({ code, reason });
  }
}
