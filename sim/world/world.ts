import type { Clock, Logger } from "@skerry/base";
import { MemoryBroker } from "@skerry/edgecore/testing";
import { MemoryKubernetesApi } from "@skerry/kube/testing";
import { checkBothSidesEqual } from "../checkers/both-sides-equal.ts";
import { checkHistory } from "../checkers/check-history.ts";
import type { Violation } from "../checkers/violation.ts";
import type { FaultContext } from "../faults/fault.ts";
import { FAULTS } from "../faults/faults.ts";
import type { Mutant } from "../mutants/mutant.ts";
import type { Schedule, ScheduledAct } from "../schedule/schedule.ts";
import { createDevices, perform } from "../workload/acts.ts";
import { cloudNameOf, nodeNameOf } from "../workload/names.ts";
import { TwinClient } from "../workload/twin-client.ts";
import { FaultCounters } from "./fault-counters.ts";
import { History } from "./history.ts";
import { MemorySqlEngine } from "./memory-sql-engine.ts";
import { SeededRandom } from "./seeded-random.ts";
import { SimulatedCloud } from "./simulated-cloud.ts";
import { SimulatedEdge } from "./simulated-edge.ts";
import { type NetworkCounters, SimulatedNetwork } from "./simulated-network.ts";
import { Trace } from "./trace.ts";
import { VirtualClock } from "./virtual-clock.ts";

/** Within this time after the faults stop both sides must agree. */
export const CONVERGENCE_LIMIT_MS = 30_000;
/** Agreement must last: nothing may undo it afterwards. */
const LASTING_MS = 20_000;
const LOOK_MS = 500;
/** A backup is hours old; these worlds, with their few writes, are not. */
const VERSIONS_SINCE_BACKUP = 10_000;

/** What a run of one schedule came to. */
export interface RunResult {
  readonly violations: readonly Violation[];
  readonly counters: FaultCounters;
  readonly network: NetworkCounters;
  readonly history: History;
  /** Equal for two runs that were the same, byte for byte. */
  readonly trace: string;
  /** Virtual time from the last fault to agreement; undefined when they never agreed. */
  readonly convergedAfterMs: number | undefined;
  readonly stepCount: number;
}

/** Runs clouds and edges of production code through a life of work and faults; the schedule decides everything. */
export async function runSchedule(
  schedule: Schedule,
  loggerOn: Logger | ((clock: Clock) => Logger),
  mutant?: Mutant,
): Promise<RunResult> {
  const clock = new VirtualClock();
  const world = new World(schedule, clock, typeof loggerOn === "function" ? loggerOn(clock) : loggerOn, mutant);
  return world.run();
}

class World {
  readonly #schedule: Schedule;
  readonly #clock: VirtualClock;
  readonly #history: History;
  readonly #counters = new FaultCounters();
  readonly #trace = new Trace();
  readonly #api: MemoryKubernetesApi;
  readonly #network: SimulatedNetwork;
  readonly #clouds: readonly SimulatedCloud[];
  readonly #edges: readonly SimulatedEdge[];
  readonly #clients: readonly TwinClient[];
  #areFaultsOver = false;

  constructor(schedule: Schedule, clock: VirtualClock, logger: Logger, mutant: Mutant | undefined) {
    const random = new SeededRandom(schedule.seed);
    this.#schedule = schedule;
    this.#clock = clock;
    this.#history = new History(() => clock.monotonicMs());
    this.#api = new MemoryKubernetesApi({ now: () => clock.now() });
    this.#network = new SimulatedNetwork(clock, random.fork(), this.#trace);
    const cloudNames = Array.from({ length: schedule.clouds }, (_, index) => cloudNameOf(index));
    const shared = { network: this.#network, clock, logger, mutant };
    this.#clouds = cloudNames.map(
      (name) =>
        new SimulatedCloud({
          ...shared,
          name,
          api: this.#api,
          random: random.fork(),
          counters: this.#counters,
          history: this.#history,
        }),
    );
    const brokers = schedule.nodes.map(() => new MemoryBroker(clock, 2));
    this.#clients = brokers.map(
      (broker, index) => new TwinClient(broker, nodeNameOf(index), this.#history.of(nodeNameOf(index))),
    );
    this.#edges = brokers.map((broker, index) => {
      const nodeName = nodeNameOf(index);
      return new SimulatedEdge({
        ...shared,
        nodeName,
        delivery: schedule.nodes[index]?.delivery ?? "skerry",
        servers: cloudNames.map((name) => `${name}:10000`),
        engine: new MemorySqlEngine(),
        mqtt: broker.connector(nodeName),
        random: random.fork(),
        history: this.#history.of(nodeName),
        trace: this.#trace,
      });
    });
  }

  async run(): Promise<RunResult> {
    const nodes = this.#edges.map(({ name }) => name);
    await createDevices(this.#api, nodes);
    for (const cloud of this.#clouds) cloud.start();
    for (const edge of this.#edges) edge.start();
    for (const [index, act] of this.#schedule.acts.entries()) {
      await this.#clock.advance(act.atMs - this.#clock.monotonicMs());
      await this.#perform(act, index);
    }
    await this.#clock.advance(this.#schedule.endMs - this.#clock.monotonicMs());
    this.#stopFaults();
    const stoppedMs = this.#clock.monotonicMs();
    let remaining = await this.#differences();
    while (remaining.length > 0 && this.#clock.monotonicMs() - stoppedMs < CONVERGENCE_LIMIT_MS) {
      await this.#clock.advance(LOOK_MS);
      remaining = await this.#differences();
    }
    const convergedAfterMs = remaining.length === 0 ? this.#clock.monotonicMs() - stoppedMs : undefined;
    await this.#clock.advance(LASTING_MS);
    if (remaining.length === 0) remaining = await this.#differences();
    this.#end();
    return {
      violations: [...remaining, ...checkHistory(this.#history, nodes)],
      counters: this.#counters,
      network: this.#network.counters,
      history: this.#history,
      trace: this.#trace.end(),
      convergedAfterMs,
      stepCount: this.#clock.stepCount,
    };
  }

  async #perform({ kind, what, node, salt }: ScheduledAct, index: number): Promise<void> {
    const edge = this.#edges[node];
    if (!edge) throw new Error(`The schedule names node ${node}, which this world does not have`);
    const random = new SeededRandom(salt);
    if (kind === "fault") {
      this.#inject(what, edge, random);
      return;
    }
    const history = this.#history.of(edge.name);
    history.add({ kind: "operation", what });
    await perform(what, {
      api: this.#api,
      node: edge.name,
      random,
      history,
      value: `value ${index}`,
      reportTwin: (value) => this.#clients[node]?.report(value),
      endSomeContainer: (draw) => edge.endSomeContainer(draw),
    });
  }

  #inject(what: string, edge: SimulatedEdge, random: SeededRandom): void {
    const fault = FAULTS.find(({ name }) => name === what);
    const cloud = random.pick(this.#clouds);
    if (!fault || !cloud) throw new Error(`There is no fault "${what}"`);
    this.#history.add(edge.name, { kind: "fault", what });
    this.#counters.count(what);
    const context: FaultContext = {
      network: this.#network,
      clouds: this.#clouds,
      edges: this.#edges,
      api: {
        compact: () => this.#api.compact(),
        closeWatches: () => this.#api.closeWatches(),
        backUp: () => this.#api.backUp(VERSIONS_SINCE_BACKUP),
        restore: () => this.#restoreCluster(),
      },
      history: this.#history,
      edge,
      cloud,
      random,
      later: (delayMs, act) => {
        this.#clock.setTimer(delayMs, () => {
          if (!this.#areFaultsOver) act();
        });
      },
    };
    fault.inject(context);
  }

  #restoreCluster(): boolean {
    const restored = this.#api.restore();
    if (restored) this.#history.add(undefined, { kind: "cloud-restored" });
    return restored;
  }

  /** Everything works again and keeps working. */
  #stopFaults(): void {
    this.#areFaultsOver = true;
    this.#network.heal();
    for (const cloud of this.#clouds) {
      cloud.crashPoints.cancel();
      cloud.setLies(0, false);
      cloud.setLag(false);
      cloud.startIfDown();
    }
    for (const edge of this.#edges) {
      edge.crashPoints.cancel();
      edge.disk.trouble = undefined;
      edge.disk.extraSyncMs = 0;
      edge.healRuntime();
      edge.startIfDown();
    }
    this.#history.add(undefined, { kind: "machine-troubled" });
    this.#history.add(undefined, { kind: "fault", what: "none any more" });
  }

  async #differences(): Promise<Violation[]> {
    const all: Violation[] = [];
    for (const edge of this.#edges) {
      const found = await checkBothSidesEqual({
        api: this.#api,
        nodeName: edge.name,
        stored: edge.storedObjects(),
        running: edge.runtime.running(),
        events: this.#history.eventsOf(edge.name),
      });
      all.push(...found);
    }
    return all;
  }

  #end(): void {
    for (const edge of this.#edges) edge.destroy();
    for (const cloud of this.#clouds) cloud.destroy();
  }
}
