import type { Clock } from "@skerry/base";
import { SkerryError } from "@skerry/base";
import type { LinkConnection, LinkDialer, LinkListen, PeerIdentity } from "@skerry/link";
import type { SeededRandom } from "./seeded-random.ts";
import type { Trace } from "./trace.ts";
import { type Direction, Wire } from "./wire.ts";

/** What a cable does now: everything through, nothing through, or only one way. */
export type CableState = "up" | "cut" | "only-to-cloud" | "only-to-edge";

/** What happened on the network. */
export interface NetworkCounters {
  /** Connections that came about. */
  connections: number;
  /** Frames handed over, both ways. */
  frames: number;
  /** The most that waited in one connection, in characters. */
  largestBacklog: number;
}

const RETRY_MS = 200;

/**
 * The network between edges and clouds. A cut cable holds what is sent, as TCP would retransmit it, and neither end is
 * told. A process that is killed has its connections closed and its dials given up by its kernel; a machine that loses
 * power says nothing: its peers find out by themselves.
 */
export class SimulatedNetwork {
  readonly counters: NetworkCounters = { connections: 0, frames: 0, largestBacklog: 0 };
  readonly #clock: Clock;
  readonly #random: SeededRandom;
  readonly #trace: Trace;
  readonly #wires = new Set<Wire>();
  readonly #listeners = new Map<string, (connection: LinkConnection) => void>();
  readonly #cables = new Map<string, CableState>();
  readonly #rates = new Map<string, number>();
  /** `<node> <cloud>`: nothing passes between these two. */
  readonly #cutPairs = new Set<string>();
  readonly #doubledDials = new Set<string>();
  /** How often each machine's process has ended: what it was still dialling ends with it. */
  readonly #deaths = new Map<string, number>();

  readonly #onReport: (node: string, text: string) => void;

  /** `onReport` hears of each frame that a cloud was given. */
  constructor(clock: Clock, random: SeededRandom, trace: Trace, onReport: (node: string, text: string) => void) {
    this.#onReport = onReport;
    this.#clock = clock;
    this.#random = random;
    this.#trace = trace;
  }

  cable(node: string): CableState {
    return this.#cables.get(node) ?? "up";
  }

  setCable(node: string, state: CableState): void {
    this.#cables.set(node, state);
    for (const wire of this.#wires) wire.flush();
  }

  /** Between a node and one cloud nothing passes, or everything again; to the others it can connect. */
  setCut(node: string, cloud: string, isCut: boolean): void {
    if (isCut) this.#cutPairs.add(`${node} ${cloud}`);
    else this.#cutPairs.delete(`${node} ${cloud}`);
    for (const wire of this.#wires) wire.flush();
  }

  /** Whether a node could connect now. */
  isReachable(node: string): boolean {
    return [...this.#listeners.keys()].some(
      (cloud) => this.passes(node, cloud, "to-cloud") && this.passes(node, cloud, "to-edge"),
    );
  }

  /** How many characters a second a node's cable carries, each way; undefined: without limit. */
  setRate(node: string, charactersPerSecond: number | undefined): void {
    if (charactersPerSecond === undefined) this.#rates.delete(node);
    else this.#rates.set(node, charactersPerSecond);
  }

  /** What goes over the node's present connections takes so much longer, as long as they live: newer ones overtake them. */
  delayConnections(node: string, delayMs: number): void {
    for (const wire of this.#wires) if (wire.node === node) wire.delayMs = delayMs;
  }

  /** The node's next dial arrives twice, as from a proxy that tries again; the edge knows of one connection only. */
  doubleNextDial(node: string): void {
    this.#doubledDials.add(node);
  }

  /** Every cable as new. */
  heal(): void {
    this.#rates.clear();
    this.#doubledDials.clear();
    this.#cutPairs.clear();
    for (const wire of this.#wires) wire.delayMs = 0;
    this.#cables.clear();
    for (const wire of this.#wires) wire.flush();
  }

  passes(node: string, cloud: string, direction: Direction): boolean {
    if (this.#cutPairs.has(`${node} ${cloud}`)) return false;
    const state = this.cable(node);
    return state === "up" || state === (direction === "to-cloud" ? "only-to-cloud" : "only-to-edge");
  }

  /** How long a packet of this length is on its way. */
  travelMs(node: string, length: number): number {
    const rate = this.#rates.get(node);
    return this.#random.between(1, 40) + (rate === undefined ? 0 : Math.ceil((length * 1000) / rate));
  }

  isThrottled(node: string): boolean {
    return this.#rates.has(node);
  }

  /** Draws whether a machine that restarted answers a stale connection with resets, instead of nothing ever. */
  resetsStaleConnection(): boolean {
    return this.#random.chance(0.5);
  }

  /** A frame was handed over. */
  delivered(node: string, direction: Direction, text: string): void {
    this.counters.frames++;
    if (direction === "to-cloud") this.#onReport(node, text);
    this.#trace.note(String(this.#clock.monotonicMs()), node, direction, text);
  }

  /** So much waits in one connection. */
  backlog(length: number): void {
    this.counters.largestBacklog = Math.max(this.counters.largestBacklog, length);
  }

  /** A cloud's listening port. */
  listener(cloud: string): LinkListen {
    return async (onConnection) => {
      this.#listeners.set(cloud, onConnection);
      return {
        port: 10000,
        [Symbol.asyncDispose]: async () => {
          if (this.#listeners.get(cloud) === onConnection) this.#listeners.delete(cloud);
        },
      };
    };
  }

  /** The dialler of the node with this (already verified) identity. */
  dialer(node: PeerIdentity): LinkDialer {
    return {
      dial: (url, headers, signal) =>
        new Promise((resolve, reject) => {
          const cloud = new URL(url).hostname;
          const deaths = this.#deaths.get(node.name);
          const isDead = (): boolean => this.#deaths.get(node.name) !== deaths;
          const refuse = (reason: string): void => reject(dialFailed(reason));
          signal.addEventListener("abort", () => refuse("given up"), { once: true });
          const attempt = (): void => {
            if (signal.aborted || isDead()) return;
            if (!this.passes(node.name, cloud, "to-cloud") || !this.passes(node.name, cloud, "to-edge")) {
              this.#clock.setTimer(RETRY_MS, attempt);
              return;
            }
            const isDoubled = this.#doubledDials.delete(node.name);
            const wire = this.#connect(cloud, node, headers);
            if (isDoubled) {
              const delayMs = this.#random.between(0, 3000);
              this.#clock.setTimer(delayMs, () => this.#connect(cloud, node, headers)?.abandon());
            }
            if (wire)
              this.#clock.setTimer(this.travelMs(node.name, 0), () => {
                if (!isDead()) resolve(wire.edgeEnd);
              });
            else refuse("connection refused");
          };
          this.#clock.setTimer(this.travelMs(node.name, 0), attempt);
        }),
    };
  }

  /** A machine lost power: its ends fall silent; the other sides are not told. */
  losePower(machine: string): void {
    this.#died(machine);
    for (const wire of this.#wires) wire.losePower(machine);
  }

  /** A process was killed: its kernel still sends what it had been given, and closes. */
  killProcess(machine: string): void {
    this.#died(machine);
    for (const wire of this.#wires) wire.killProcess(machine);
  }

  #died(machine: string): void {
    this.#listeners.delete(machine);
    this.#deaths.set(machine, (this.#deaths.get(machine) ?? 0) + 1);
  }

  #connect(cloud: string, node: PeerIdentity, headers: Readonly<Record<string, string>>): Wire | undefined {
    const listener = this.#listeners.get(cloud);
    if (!listener) return undefined;
    this.counters.connections++;
    const wire: Wire = new Wire(this, this.#clock, { cloud, node, headers }, () => this.#wires.delete(wire));
    this.#wires.add(wire);
    listener(wire.cloudEnd);
    return wire;
  }
}

function dialFailed(reason: string): SkerryError {
  return new SkerryError({
    code: "LINK_DIAL_FAILED",
    message: `The simulated network did not connect: ${reason}`,
    advice: "Nothing to do: a simulated fault.",
  });
}
