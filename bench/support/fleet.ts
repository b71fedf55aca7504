import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import type { ShippedSkerry } from "./shipped-skerry.ts";
import { waitUntil } from "./shipped-skerry.ts";

/** A second of `skerry fleet -o jsonl`. */
export interface FleetSecond {
  readonly connected: number;
  /** Connections so far. */
  readonly sessions: number;
  readonly ready: number;
  readonly containers: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly residentBytes: number;
  readonly deliveriesMs: readonly number[];
  readonly failure?: string;
}

const TELL_EVERY_MS = 10_000;

/** A running `skerry fleet`. */
export class Fleet implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #limitMs: number;
  #newest: FleetSecond | undefined;
  #deliveriesMs: number[] = [];
  #leastReady = Number.POSITIVE_INFINITY;

  constructor(skerry: ShippedSkerry, nodes: number, parameters: readonly string[], limitMs: number) {
    this.#limitMs = limitMs;
    this.#process = skerry.start("fleet", "--nodes", String(nodes), "-o", "jsonl", ...parameters);
    if (!this.#process.stdout) throw new Error("skerry fleet has no output");
    createInterface({ input: this.#process.stdout }).on("line", (line) => {
      const second = JSON.parse(line) as Partial<FleetSecond>;
      if (second.deliveriesMs === undefined) return; // The report at the end.
      this.#newest = second as FleetSecond;
      this.#deliveriesMs.push(...second.deliveriesMs);
      this.#leastReady = Math.min(this.#leastReady, this.#newest.ready);
    });
  }

  get now(): FleetSecond | undefined {
    return this.#newest;
  }

  /** What crossed all links so far, as WebSocket frames. */
  get bytes(): number {
    return (this.#newest?.sentBytes ?? 0) + (this.#newest?.receivedBytes ?? 0);
  }

  /** The smallest number of Ready nodes since the last call. */
  takeLeastReady(): number {
    const least = this.#leastReady;
    this.#leastReady = this.#newest?.ready ?? Number.POSITIVE_INFINITY;
    return least;
  }

  /** The deliveries since the last call. */
  takeDeliveriesMs(): number[] {
    const taken = this.#deliveriesMs;
    this.#deliveriesMs = [];
    return taken;
  }

  /** How many deliveries there were since the last {@link takeDeliveriesMs}. */
  get deliveries(): number {
    return this.#deliveriesMs.length;
  }

  /** Waits until the fleet stands so; returns how long it took, ms, exact to a second. */
  async until(
    expected: string,
    holds: (now: FleetSecond) => boolean,
    limitMs: number = this.#limitMs,
  ): Promise<number> {
    const beganMs = performance.now();
    let toldMs = beganMs;
    await waitUntil(
      expected,
      () => {
        if (performance.now() - toldMs >= TELL_EVERY_MS) {
          toldMs = performance.now();
          process.stderr.write(
            `${((toldMs - beganMs) / 1000).toFixed(0)} s, until ${expected}: ${this.#described()}\n`,
          );
        }
        if (this.#process.exitCode !== null) throw new Error(`skerry fleet ended before ${expected}`);
        return (this.#newest && holds(this.#newest)) || undefined;
      },
      250,
      limitMs,
    );
    return performance.now() - beganMs;
  }

  #described(): string {
    if (!this.#newest) return "nothing yet";
    const { connected, sessions, ready, containers } = this.#newest;
    return `${connected} connected, ${ready} Ready, ${containers} pods; ${sessions} connections so far`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null) return;
    const ended = new Promise((resolve) => this.#process.once("exit", resolve));
    this.#process.kill("SIGINT");
    await ended;
  }
}
