import type { FaultCounters } from "./fault-counters.ts";
import type { History } from "./history.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { SimulatedCloud } from "./simulated-cloud.ts";
import type { CommitFault, DiskFaults } from "./simulated-disk.ts";
import type { SimulatedEdge } from "./simulated-edge.ts";
import type { CableState, SimulatedNetwork } from "./simulated-network.ts";
import type { VirtualClock } from "./virtual-clock.ts";

/** What can be broken. */
export interface FaultTargets {
  readonly clock: VirtualClock;
  readonly network: SimulatedNetwork;
  readonly cloud: SimulatedCloud;
  readonly edge: SimulatedEdge;
  /** The API's history is compacted: watches from before get 410. */
  readonly compactHistory: () => void;
  readonly closeWatches: () => void;
  readonly history: History;
  readonly counters: FaultCounters;
}

/** Cuts, crashes and lies, drawn at random until they are stopped. */
export class FaultSchedule {
  readonly #targets: FaultTargets;
  readonly #random: SeededRandom;
  #active = true;

  constructor(targets: FaultTargets, random: SeededRandom) {
    this.#targets = targets;
    this.#random = random;
  }

  /** Breaks something, now and then. */
  step(): void {
    const fault = this.#random.pick(this.#faults);
    if (!fault) return;
    this.#record(fault.name);
    fault.inject();
  }

  /** Everything works again and keeps working. */
  stop(): void {
    const { network, cloud, edge, history } = this.#targets;
    this.#active = false;
    network.setCable("up");
    cloud.setLies(0, false);
    if (!cloud.isRunning) cloud.start();
    if (!edge.isRunning) edge.start();
    history.add({ kind: "fault", what: "none any more" });
  }

  /** The faults of the edge's disk; drawn at every commit. */
  diskFaults(powerLoss: () => void): DiskFaults {
    const kinds: readonly CommitFault[] = ["crash-before-commit", "crash-after-commit", "crash-after-answer"];
    return {
      draw: () => {
        if (!this.#active || !this.#random.chance(0.004)) return undefined;
        const fault = this.#random.pick(kinds);
        if (fault) this.#record(fault);
        return fault;
      },
      powerLoss,
    };
  }

  /** The edge went down by itself (a disk fault): someone starts it again. */
  restartEdgeLater(): void {
    const { clock, edge } = this.#targets;
    clock.setTimer(this.#random.between(100, 6000), () => {
      if (!edge.isRunning) edge.start();
    });
  }

  readonly #faults: readonly { readonly name: string; readonly inject: () => void }[] = [
    { name: "cut", inject: () => this.#cable("cut") },
    { name: "cut", inject: () => this.#cable("cut") },
    { name: "half-open to cloud", inject: () => this.#cable("only-to-cloud") },
    { name: "half-open to edge", inject: () => this.#cable("only-to-edge") },
    { name: "edge killed", inject: () => this.#crashEdge(() => this.#targets.edge.kill("kill -9")) },
    { name: "edge power loss", inject: () => this.#crashEdge(() => this.#targets.edge.losePower()) },
    { name: "cloud killed", inject: () => this.#crashCloud() },
    { name: "API down", inject: () => this.#lies(0, true) },
    { name: "API lies", inject: () => this.#lies(this.#random.float() * 0.3, false) },
    { name: "history compacted", inject: () => this.#targets.compactHistory() },
    { name: "watches closed", inject: () => this.#targets.closeWatches() },
  ];

  #cable(state: CableState): void {
    const { clock, network } = this.#targets;
    network.setCable(state);
    clock.setTimer(this.#random.between(200, 40_000), () => network.setCable("up"));
  }

  #crashEdge(crash: () => void): void {
    if (!this.#targets.edge.isRunning) return;
    crash();
    this.restartEdgeLater();
  }

  #crashCloud(): void {
    const { clock, cloud, network } = this.#targets;
    if (!cloud.isRunning) return;
    cloud.kill();
    network.silence("cloud");
    clock.setTimer(this.#random.between(100, 20_000), () => {
      if (!cloud.isRunning) cloud.start();
    });
  }

  #lies(probability: number, down: boolean): void {
    const { clock, cloud } = this.#targets;
    cloud.setLies(probability, down);
    clock.setTimer(this.#random.between(500, 20_000), () => {
      if (this.#active) cloud.setLies(0, false);
    });
  }

  #record(what: string): void {
    this.#targets.history.add({ kind: "fault", what });
    this.#targets.counters.count(what);
  }
}
