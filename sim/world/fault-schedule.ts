import type { FakeContainerRuntime } from "@skerry/edgecore/testing";
import type { FaultCounters } from "./fault-counters.ts";
import type { History } from "./history.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { SimulatedCloud } from "./simulated-cloud.ts";
import type { CommitFault, DiskFaults, SimulatedDisk } from "./simulated-disk.ts";
import type { SimulatedEdge } from "./simulated-edge.ts";
import type { CableState, SimulatedNetwork } from "./simulated-network.ts";
import type { VirtualClock } from "./virtual-clock.ts";

/** What can be broken. */
export interface FaultTargets {
  readonly clock: VirtualClock;
  readonly network: SimulatedNetwork;
  readonly cloud: SimulatedCloud;
  readonly edge: SimulatedEdge;
  readonly disk: SimulatedDisk;
  /** The API's history is compacted: watches from before get 410. */
  readonly compactHistory: () => void;
  readonly closeWatches: () => void;
  readonly history: History;
  readonly counters: FaultCounters;
}

const FAILING_CALLS = [
  "runSandbox",
  "createContainer",
  "startContainer",
  "stopContainer",
  "removeContainer",
  "stopSandbox",
  "removeSandbox",
  "listContainers",
  "listSandboxes",
] as const;

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
    const { network, cloud, edge, disk, history } = this.#targets;
    this.#active = false;
    network.setCable("up");
    disk.full = false;
    this.#healRuntime();
    cloud.setLies(0, false);
    cloud.setLag(false);
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
    { name: "cloud killed while API lags", inject: () => this.#crashCloudInLag() },
    { name: "API down", inject: () => this.#lies(0, true) },
    { name: "API lies", inject: () => this.#lies(this.#random.float() * 0.3, false) },
    { name: "history compacted", inject: () => this.#targets.compactHistory() },
    { name: "watches closed", inject: () => this.#targets.closeWatches() },
    { name: "edge disk full", inject: () => this.#fillDisk() },
    { name: "edge clock set", inject: () => this.#setEdgeClock() },
    { name: "runtime slow", inject: () => this.#trouble(({ runtime }) => this.#slow(runtime)) },
    { name: "runtime fails", inject: () => this.#trouble(({ runtime }) => this.#failSome(runtime)) },
    { name: "runtime away", inject: () => this.#trouble(({ runtime }) => runtime.setAvailable(false)) },
  ];

  #fillDisk(): void {
    const { clock, disk, history } = this.#targets;
    const set = (full: boolean): void => {
      disk.full = full;
      history.add({ kind: "machine-troubled" });
    };
    set(true);
    clock.setTimer(this.#random.between(200, 10_000), () => set(false));
  }

  /** Up to an hour before or after the true time; a machine without a battery for its clock. */
  #setEdgeClock(): void {
    this.#targets.edge.setWallClock(this.#random.between(-3_600_000, 3_600_000));
  }

  #trouble(begin: (edge: SimulatedEdge) => void): void {
    const { clock, edge, history } = this.#targets;
    begin(edge);
    history.add({ kind: "machine-troubled" });
    clock.setTimer(this.#random.between(500, 10_000), () => this.#healRuntime());
  }

  #slow(runtime: FakeContainerRuntime): void {
    runtime.delayMs = this.#random.between(100, 2000);
  }

  #failSome(runtime: FakeContainerRuntime): void {
    for (let count = this.#random.between(1, 4); count > 0; count--) {
      const call = this.#random.pick(FAILING_CALLS);
      if (call) runtime.failNext(call);
    }
  }

  #healRuntime(): void {
    const { edge, history } = this.#targets;
    edge.runtime.delayMs = 0;
    edge.runtime.setAvailable(true);
    edge.runtime.clearFailures();
    history.add({ kind: "machine-troubled" });
  }

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

  /** The next CloudCore believes what was true some time ago, for a while. */
  #crashCloudInLag(): void {
    const { clock, cloud } = this.#targets;
    cloud.setLag(true);
    this.#crashCloud();
    clock.setTimer(this.#random.between(5000, 40_000), () => cloud.setLag(false));
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
