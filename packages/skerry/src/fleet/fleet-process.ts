import { type Clock, describeError, type Random, sleep } from "@skerry/base";
import type { HollowNode } from "@skerry/edgecore/hollow/platform";
import { type FleetPlan, type FleetSample, fleetNodeName, SENT_AT } from "./fleet-messages.ts";

const SAMPLE_MS = 1_000;
/** Beyond that, deliveries of one second are not kept. */
const MOST_DELIVERIES = 20_000;

/** A cloud that is slower than the nodes come is not overrun: requests that it answers too late are made again. */
const MOST_JOINING = 25;
const JOINING_POLL_MS = 100;

/** What a process of a fleet works with. */
export interface FleetProcessPorts {
  readonly clock: Clock;
  readonly random: Random;
  /** Resident memory of this process. */
  readonly residentBytes: () => number;
  readonly startNode: (name: string, number: number, plan: FleetPlan) => Promise<HollowNode>;
  readonly report: (sample: FleetSample) => void;
}

/** The nodes of one process of a fleet: started one after the other, reported each second, stopped together. */
export class FleetProcess implements AsyncDisposable {
  readonly #ports: FleetProcessPorts;
  readonly #plan: FleetPlan;
  readonly #stopped = new AbortController();
  readonly #nodes: HollowNode[] = [];
  #running: Promise<unknown> | undefined;
  #deliveriesMs: number[] = [];
  #lateMs = 0;
  #failure: string | undefined;

  constructor(ports: FleetProcessPorts, plan: FleetPlan) {
    this.#ports = ports;
    this.#plan = plan;
  }

  /** Begins. */
  start(): void {
    this.#running ??= Promise.allSettled([this.#startNodes(), this.#sample()]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped.abort();
    await this.#running;
    await Promise.all(this.#nodes.map((node) => node[Symbol.asyncDispose]()));
  }

  async #startNodes(): Promise<void> {
    const { clock, startNode } = this.#ports;
    const { first, count, prefix, nodesPerSecond } = this.#plan;
    const beganMs = clock.monotonicMs();
    for (let index = 0; index < count; index++) {
      const waitMs = beganMs + (index * 1000) / nodesPerSecond - clock.monotonicMs();
      if (waitMs > 0) await sleep(clock, waitMs, this.#stopped.signal);
      while (this.#joining() >= MOST_JOINING) await sleep(clock, JOINING_POLL_MS, this.#stopped.signal);
      this.#stopped.signal.throwIfAborted();
      try {
        const node = await startNode(fleetNodeName(prefix, first + index), first + index, this.#plan);
        node.core.connecting.catch((error: unknown) => this.#failed(error));
        node.core.metaManager.onChange((change) => {
          if (change.kind === "stored") this.#delivered(change.object.metadata.annotations?.[SENT_AT]);
        });
        this.#nodes.push(node);
      } catch (error) {
        this.#failed(error);
      }
    }
  }

  /** How many nodes were started, but have not been connected yet. */
  #joining(): number {
    return this.#nodes.reduce((count, node) => count + (node.count.sessions === 0 ? 1 : 0), 0);
  }

  async #sample(): Promise<void> {
    const { clock, report } = this.#ports;
    for (;;) {
      const dueMs = clock.monotonicMs() + SAMPLE_MS;
      await sleep(clock, SAMPLE_MS, this.#stopped.signal);
      this.#lateMs = clock.monotonicMs() - dueMs;
      report(this.#current());
    }
  }

  #current(): FleetSample {
    const sum = (of: (node: HollowNode) => number): number => this.#nodes.reduce((total, node) => total + of(node), 0);
    const deliveriesMs = this.#deliveriesMs;
    this.#deliveriesMs = [];
    return {
      kind: "sample",
      started: this.#nodes.length,
      joined: sum(({ count }) => (count.sessions > 0 ? 1 : 0)),
      connected: sum(({ core }) => (core.edgeHub.state.kind === "connected" ? 1 : 0)),
      containers: sum(({ runtime }) => runtime.running().length),
      sessions: sum(({ count }) => count.sessions),
      sentBytes: sum(({ count }) => count.sentBytes),
      receivedBytes: sum(({ count }) => count.receivedBytes),
      deliveriesMs,
      lateMs: this.#lateMs,
      residentBytes: this.#ports.residentBytes(),
      ...(this.#failure === undefined ? {} : { failure: this.#failure }),
    };
  }

  #delivered(sentAt: string | undefined): void {
    const sentAtMs = Number(sentAt ?? Number.NaN);
    if (Number.isFinite(sentAtMs) && this.#deliveriesMs.length < MOST_DELIVERIES)
      this.#deliveriesMs.push(Math.max(0, this.#ports.clock.now() - sentAtMs));
  }

  #failed(error: unknown): void {
    if (!this.#stopped.signal.aborted) this.#failure = describeError(error);
  }
}
