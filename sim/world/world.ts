import type { Clock, Logger } from "@skerry/base";
import { MemoryBroker } from "@skerry/edgecore/testing";
import { MemoryKubernetesApi } from "@skerry/kube/testing";
import type { EdgeLimits, OutboxLimits } from "../checkers/queues-are-bounded.ts";
import type { Violation } from "../checkers/violation.ts";
import type { Mutant } from "../mutants/mutant.ts";
import type { NodePlan, Schedule } from "../schedule/schedule.ts";
import { WasmSqlEngine } from "../sqlite/wasm-sql-engine.ts";
import type { WasmSqlite } from "../sqlite/wasm-sqlite.ts";
import { Driver } from "../workload/driver.ts";
import { cloudNameOf, nodeNameOf } from "../workload/names.ts";
import { TwinClient } from "../workload/twin-client.ts";
import { ApiRecord } from "./api-record.ts";
import { EmbeddedApiServer } from "./embedded-api-server.ts";
import { FaultCounters } from "./fault-counters.ts";
import { History } from "./history.ts";
import { MemorySqlEngine } from "./memory-sql-engine.ts";
import { SeededRandom } from "./seeded-random.ts";
import { SimulatedCloud } from "./simulated-cloud.ts";
import { SimulatedEdge } from "./simulated-edge.ts";
import { SimulatedNetwork } from "./simulated-network.ts";
import { SimulatedSink } from "./simulated-sink.ts";
import { SimulatedSockets } from "./simulated-sockets.ts";
import type { SqlEngine } from "./sql-engine.ts";
import { Trace } from "./trace.ts";
import type { TrueApi } from "./true-api.ts";
import type { WatchRecord } from "./watch-record.ts";

/** A backup is hours old; these worlds, with their few writes, are not. */
const VERSIONS_SINCE_BACKUP = 10_000;
const OUTBOX: OutboxLimits = { answeredEntries: 10_000, unansweredEntries: 1_000, entryBytes: 1024 * 1024 };
const TIGHT_OUTBOX: OutboxLimits = { ...OUTBOX, answeredEntries: 4, unansweredEntries: 4 };
const RING_BYTES = 1024 * 1024;
/** Room for a handful of samples. */
const TIGHT_RING_BYTES = 1_500;

/** One edge machine with its broker, its device's client and its driver. */
export interface WorldNode {
  readonly name: string;
  readonly edge: SimulatedEdge;
  readonly broker: MemoryBroker;
  readonly client: TwinClient;
  readonly driver: Driver;
  readonly limits: EdgeLimits;
  readonly hasTightRing: boolean;
}

/** What a world runs on. */
export interface WorldPorts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly mutant: Mutant | undefined;
  /** Where some machine has a disk that loses what was not synced. */
  readonly sqlite: WasmSqlite | undefined;
}

/** Clouds and edges of production code, with everything that they stand on. */
export class World {
  readonly history: History;
  readonly counters: FaultCounters = new FaultCounters();
  readonly trace: Trace = new Trace();
  readonly record: ApiRecord;
  readonly api: TrueApi;
  /** The API server that {@link api} is, where it is a process of its own. */
  readonly apiServer: EmbeddedApiServer | undefined;
  readonly network: SimulatedNetwork;
  readonly sink: SimulatedSink;
  readonly clouds: readonly SimulatedCloud[];
  readonly nodes: readonly WorldNode[];
  readonly watched: WatchRecord[] = [];
  /** Found while it ran. */
  readonly violations: Violation[] = [];
  #backup: { readonly version: number; readonly eventCount: number } | undefined;

  constructor({ seed, api, clouds, nodes }: Schedule, { clock, logger, mutant, sqlite }: WorldPorts) {
    const random = new SeededRandom(seed);
    const sqliteRandom = new SeededRandom(seed);
    sqlite?.seed(() => sqliteRandom.between(0, 256));
    this.history = new History(() => clock.monotonicMs());
    this.record = new ApiRecord(this.history);
    this.apiServer =
      api === "embedded" && sqlite
        ? // Draws of its own, so that they shift no others.
          new EmbeddedApiServer({ sqlite, clock, random: new SeededRandom(~seed), logger, record: this.record })
        : undefined;
    this.api =
      this.apiServer ??
      new MemoryKubernetesApi({ now: () => clock.now(), onCommit: (change) => this.record.add(change) });
    this.network = new SimulatedNetwork(clock, random.fork(), this.trace, (node, text) => {
      if (text.includes('"operation":"inventory"')) this.history.add(node, { kind: "inventory-taken" });
      if (text.includes('"operation":"error"')) this.history.add(node, { kind: "object-refused" });
    });
    this.sink = new SimulatedSink(clock, random.fork());
    const shared = { network: this.network, clock, logger, mutant };
    this.clouds = Array.from({ length: clouds }, (_, index) => {
      return new SimulatedCloud({
        ...shared,
        name: cloudNameOf(index),
        api: this.api,
        installsDefinitions: this.apiServer !== undefined,
        random: random.fork(),
        counters: this.counters,
        history: this.history,
        sink: this.sink,
        onWatch: (observe) => this.watched.push(...observe(this.record.incarnation)),
      });
    });
    const servers = this.clouds.map(({ name }) => `${name}:10000`);
    const create = (plan: NodePlan, index: number): WorldNode => {
      const name = nodeNameOf(index);
      const history = this.history.of(name);
      const broker = new MemoryBroker(clock, 2);
      const hasTightRing = plan.hasTightRing ?? false;
      const limits: EdgeLimits = {
        outbox: plan.hasTightOutbox ? TIGHT_OUTBOX : OUTBOX,
        ringBytes: hasTightRing ? TIGHT_RING_BYTES : RING_BYTES,
      };
      const sockets = new SimulatedSockets(clock, random.fork());
      const driver = new Driver(sockets, clock, name, history);
      const edge = new SimulatedEdge({
        ...shared,
        nodeName: name,
        delivery: plan.delivery,
        hasRuntimeEvents: plan.hasRuntimeEvents ?? false,
        servers,
        engine: this.#engine(plan, name, random.fork(), { mutant, sqlite }),
        onDamage: (message) => this.violations.push({ invariant: "I1", message: `${name}: ${message}` }),
        mqtt: broker.connector(name),
        sockets,
        onPower: (isOn) => (isOn ? driver.startIfDown() : driver.kill()),
        random: random.fork(),
        history,
        limits,
        trace: this.trace,
      });
      return { name, edge, broker, client: new TwinClient(broker, name, history), driver, limits, hasTightRing };
    };
    this.nodes = nodes.map(create);
  }

  /**
   * Keeps a copy of what the API server has, and lets its versions pass far. Not while a node has yet to notice an
   * earlier restoration: once the versions have passed what it has seen, it could not any more.
   */
  backUpCluster(): void {
    const version = Number(this.api.resourceVersion);
    if (this.nodes.some(({ edge }) => edge.state.newestVersion() > version)) return;
    this.#backup = { version, eventCount: this.history.events.length };
    this.api.backUp(VERSIONS_SINCE_BACKUP);
  }

  /**
   * The API server goes back to its backup. Not when a node could not notice it, as docs/architecture.md says: it has
   * seen deletions since, but no version of its own.
   */
  restoreCluster(): boolean {
    const backup = this.#backup;
    if (!backup) return false;
    const since = this.history.events.slice(backup.eventCount);
    const isNoticed = ({ name, edge }: WorldNode): boolean =>
      edge.state.newestVersion() > backup.version ||
      !since.some(({ node, kind }) => node === name && kind === "object-deleted");
    if (!this.nodes.every(isNoticed) || !this.api.restore()) return false;
    this.record.restored();
    return true;
  }

  #engine(
    { hasUnsyncedDisk = false }: NodePlan,
    name: string,
    random: SeededRandom,
    { mutant, sqlite }: Pick<WorldPorts, "mutant" | "sqlite">,
  ): SqlEngine {
    if (!hasUnsyncedDisk || !sqlite) return new MemorySqlEngine();
    const engine = new WasmSqlEngine(sqlite, name, random);
    engine.disk.ignoresSyncs = mutant?.ignoresSyncs ?? false;
    return engine;
  }

  /** Everything works again. */
  heal(): void {
    this.network.heal();
    this.sink.heal();
    this.apiServer?.crashPoints.cancel();
    this.apiServer?.start();
    for (const cloud of this.clouds) {
      cloud.crashPoints.cancel();
      cloud.setLies(0, false);
      cloud.setLag(false);
      if (cloud.version !== "current") cloud.kill();
      cloud.version = "current";
      cloud.startIfDown();
    }
    for (const { name, edge } of this.nodes) {
      edge.crashPoints.cancel();
      edge.disk.trouble = undefined;
      edge.disk.extraSyncMs = 0;
      edge.healRuntime();
      if (edge.version !== "current" || edge.isSchemaNewer) edge.kill();
      edge.version = "current";
      if (edge.isSchemaNewer) edge.setSchemaNewer(false);
      edge.startIfDown();
      this.history.add(name, { kind: "disk-troubled", isOn: false });
    }
    this.history.add(undefined, { kind: "machine-troubled" });
    this.history.add(undefined, { kind: "api-troubled", isOn: false });
  }

  destroy(): void {
    for (const { edge, driver } of this.nodes) {
      driver.kill();
      edge.destroy();
    }
    for (const cloud of this.clouds) cloud.destroy();
    this.sink.destroy();
    this.apiServer?.destroy();
  }
}
