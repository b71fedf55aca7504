import type { Clock, Logger } from "@skerry/base";
import { checkBothSidesEqual, type FinalState } from "../checkers/both-sides-equal.ts";
import { checkHistory } from "../checkers/check-history.ts";
import { BACKLOG_LIMIT, checkQueuesAreBounded } from "../checkers/queues-are-bounded.ts";
import { checkSamplesStoredOnce } from "../checkers/samples-stored-once.ts";
import { checkUnknownPodsEnd, UNKNOWN_PODS_LIMIT_MS } from "../checkers/unknown-pods-end.ts";
import type { Violation } from "../checkers/violation.ts";
import { checkWatchesGapFree } from "../checkers/watches-gap-free.ts";
import { API_SERVER_FAULTS } from "../faults/api-server-faults.ts";
import type { FaultContext } from "../faults/fault.ts";
import { FAULTS } from "../faults/faults.ts";
import { RUNTIME_EVENT_FAULTS } from "../faults/runtime-event-faults.ts";
import type { Mutant } from "../mutants/mutant.ts";
import type { Schedule, ScheduledAct } from "../schedule/schedule.ts";
import { wasmSqlite } from "../sqlite/wasm-sqlite.ts";
import { createDevices, perform } from "../workload/acts.ts";
import type { FaultCounters } from "./fault-counters.ts";
import type { History } from "./history.ts";
import { SeededRandom } from "./seeded-random.ts";
import type { NetworkCounters } from "./simulated-network.ts";
import { VirtualClock } from "./virtual-clock.ts";
import { World, type WorldNode } from "./world.ts";

/** Within this time after the faults stop both sides must agree. */
export const CONVERGENCE_LIMIT_MS = 30_000;
/** Agreement must last: nothing may undo it afterwards. */
const LASTING_MS = 20_000;
const LOOK_MS = 500;
/** For an API server's first start. */
const API_SERVER_LIMIT_MS = 5_000;
/** What every device may report when the faults are over. */
const LAST_VALUE = "last value";

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
  const logger = typeof loggerOn === "function" ? loggerOn(clock) : loggerOn;
  const needsDisk = schedule.api === "embedded" || schedule.nodes.some(({ hasUnsyncedDisk }) => hasUnsyncedDisk);
  const sqlite = needsDisk ? await wasmSqlite() : undefined;
  return new Run(schedule, clock, new World(schedule, { clock, logger, mutant, sqlite })).toEnd();
}

class Run {
  readonly #schedule: Schedule;
  readonly #clock: VirtualClock;
  readonly #world: World;
  /** Found while it ran. */
  readonly #violations: Violation[] = [];
  readonly #sessions = new Map<string, string>();
  #areFaultsOver = false;
  #isOver = false;

  constructor(schedule: Schedule, clock: VirtualClock, world: World) {
    this.#schedule = schedule;
    this.#clock = clock;
    this.#world = world;
  }

  async toEnd(): Promise<RunResult> {
    const { api, clouds, nodes, history, record, watched, network, counters, trace } = this.#world;
    const names = nodes.map(({ name }) => name);
    await this.#startApiServer();
    await this.#completed(createDevices(api, names));
    for (const cloud of clouds) cloud.start();
    for (const { edge } of nodes) edge.start();
    this.#look();
    for (const [index, act] of this.#schedule.acts.entries()) {
      await this.#clock.advance(act.atMs - this.#clock.monotonicMs());
      await this.#perform(act, index);
    }
    await this.#clock.advance(this.#schedule.endMs - this.#clock.monotonicMs());
    this.#areFaultsOver = true;
    this.#world.heal();
    // A sink that was put back from a copy is noticed when something follows. Else nothing is said: a dead link may hide.
    const isSinkRestored = history.events.some(({ kind }) => kind === "sink-restored");
    for (const { client, driver } of isSinkRestored ? nodes : []) {
      client.report(LAST_VALUE);
      driver.report(LAST_VALUE);
    }
    const { differences, convergedAfterMs } = await this.#converge();
    const unknownPods = await this.#unknownPods();
    this.#isOver = true;
    this.#world.destroy();
    return {
      violations: [
        ...differences,
        ...unknownPods,
        ...this.#violations,
        ...this.#world.violations,
        ...checkHistory(history, names),
        ...checkWatchesGapFree(watched, record.changes),
      ],
      counters,
      network: network.counters,
      history,
      trace: trace.end(),
      convergedAfterMs,
      stepCount: this.#clock.stepCount,
    };
  }

  /** Waits until both sides agree, and then whether it lasts. */
  async #converge(): Promise<{ differences: Violation[]; convergedAfterMs: number | undefined }> {
    const stoppedMs = this.#clock.monotonicMs();
    let differences = await this.#differences();
    while (differences.length > 0 && this.#clock.monotonicMs() - stoppedMs < CONVERGENCE_LIMIT_MS) {
      await this.#clock.advance(LOOK_MS);
      differences = await this.#differences();
    }
    const convergedAfterMs = differences.length === 0 ? this.#clock.monotonicMs() - stoppedMs : undefined;
    await this.#clock.advance(LASTING_MS);
    if (differences.length === 0) differences = await this.#differences();
    return { differences, convergedAfterMs };
  }

  /** Waits, where there are any, until containers of pods that a restored database did not know must have ended. */
  async #unknownPods(): Promise<Violation[]> {
    const look = async (): Promise<Violation[]> =>
      (await Promise.all(this.#world.nodes.map((node) => checkUnknownPodsEnd(this.#stateOf(node))))).flat();
    if ((await look()).length === 0) return [];
    await this.#clock.advance(UNKNOWN_PODS_LIMIT_MS);
    return look();
  }

  async #startApiServer(): Promise<void> {
    const { apiServer } = this.#world;
    apiServer?.start();
    while (apiServer && !apiServer.isUp) {
      if (this.#clock.monotonicMs() > API_SERVER_LIMIT_MS) throw new Error("The API server does not start");
      await this.#clock.advance(1);
    }
  }

  /** What a user asks of a server that is a process takes its time. */
  async #completed(work: Promise<void>): Promise<void> {
    if (!this.#world.apiServer) return work;
    let isOver = false;
    const ended = work.finally(() => {
      isOver = true;
    });
    ended.catch(() => {}); // Thrown below.
    while (!isOver) await this.#clock.advance(1);
    await ended;
  }

  async #perform({ kind, what, node: index, salt }: ScheduledAct, count: number): Promise<void> {
    const node = this.#world.nodes[index];
    if (!node) throw new Error(`The schedule names node ${index}, which this world does not have`);
    const random = new SeededRandom(salt);
    if (kind === "fault") {
      this.#inject(what, node, random);
      return;
    }
    const { name, edge, client, driver } = node;
    const history = this.#world.history.of(name);
    history.add({ kind: "operation", what });
    const acting = perform(what, {
      api: this.#world.api,
      node: name,
      random,
      history,
      value: `value ${count}`,
      reportTwin: (value) => client.report(value),
      reportByDriver: (value) => driver.report(value),
      endSomeContainer: (draw) => edge.endSomeContainer(draw),
    });
    await this.#completed(acting);
  }

  #inject(what: string, { name, edge }: WorldNode, random: SeededRandom): void {
    const { network, clouds, nodes, api, apiServer, sink, history, counters } = this.#world;
    const fault = [...FAULTS, ...RUNTIME_EVENT_FAULTS, ...API_SERVER_FAULTS].find((each) => each.name === what);
    const cloud = random.pick(clouds);
    if (!fault || !cloud) throw new Error(`There is no fault "${what}"`);
    history.add(name, { kind: "fault", what });
    counters.count(what);
    const context: FaultContext = {
      network,
      clouds,
      edges: nodes.map((each) => each.edge),
      api: {
        compact: () => api.compact(),
        closeWatches: () => api.closeWatches(),
        backUp: () => this.#world.backUpCluster(),
        restore: () => this.#world.restoreCluster(),
      },
      apiServer,
      sink,
      history,
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

  async #differences(): Promise<Violation[]> {
    const { apiServer, nodes, sink } = this.#world;
    if (apiServer && !apiServer.isUp) return [{ invariant: "I3", message: "the API server is not up" }];
    const all: Violation[] = [];
    for (const node of nodes) {
      const state = this.#stateOf(node);
      all.push(...(await checkBothSidesEqual(state)));
      // KubeEdge's delivery carries no samples.
      if (node.edge.delivery === "skerry")
        all.push(
          ...checkSamplesStoredOnce({
            samples: sink.samplesOf(node.name),
            streams: sink.streamsOf(node.name),
            events: state.events,
            dropped: node.edge.state.ring().dropped,
            isRingTight: node.hasTightRing,
          }),
        );
    }
    return all;
  }

  #stateOf({ name, edge }: WorldNode): FinalState {
    const { api, history } = this.#world;
    const events = history.eventsOf(name);
    return { api, nodeName: name, stored: edge.state.storedObjects(), running: edge.runtime.running(), events };
  }

  /** Every second: who believes in which session, and what waits where. */
  #look(): void {
    if (this.#isOver) return;
    const { clouds, nodes, history, network } = this.#world;
    for (const { name, edge, limits } of nodes) {
      const sessions = clouds.flatMap((cloud) => cloud.sessionOf(name) ?? []);
      const seen = sessions.map(({ cloud, openedAtMs }) => `${cloud} ${openedAtMs}`).join();
      if (this.#sessions.get(name) !== seen) history.add(name, { kind: "sessions", sessions });
      this.#sessions.set(name, seen);
      const lengths = edge.state.queueLengths();
      if (lengths) this.#violations.push(...checkQueuesAreBounded(lengths, limits));
    }
    if (network.counters.largestBacklog > BACKLOG_LIMIT)
      this.#violations.push({
        invariant: "I8",
        message: `${network.counters.largestBacklog} bytes wait in a connection`,
      });
    this.#clock.setTimer(1000, () => this.#look());
  }
}
