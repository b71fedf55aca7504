import type { KubernetesObject, Pod } from "@skerry/api";
import type { Clock, Logger } from "@skerry/base";
import { EdgeCore, edgeDatabaseMigrations, edgedConfig, type MqttConnector } from "@skerry/edgecore";
import { FakeContainerRuntime, FakeFileSystem, FakeHost, FakeMounts, FakeNetworkCheck } from "@skerry/edgecore/testing";
import type { DeliveryName, LinkDialer } from "@skerry/link";
import type { Database } from "@skerry/store";
import type { History } from "./history.ts";
import { MortalConnector } from "./mortal-connector.ts";
import { mortalRuntime } from "./mortal-runtime.ts";
import { ProcessLife } from "./process-life.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { SimulatedDisk } from "./simulated-disk.ts";
import type { SimulatedNetwork } from "./simulated-network.ts";
import { SIMULATED_IMAGE } from "./workload.ts";

/** What a simulated edge machine stands on. */
export interface SimulatedEdgeOptions {
  readonly nodeName: string;
  readonly delivery: DeliveryName;
  readonly network: SimulatedNetwork;
  readonly disk: SimulatedDisk;
  readonly mqtt: MqttConnector;
  readonly clock: Clock;
  readonly random: SeededRandom;
  readonly logger: Logger;
  readonly history: History;
  /** Mutants may wait for something they should not. */
  readonly beforeStart: (network: SimulatedNetwork, clock: Clock) => Promise<void>;
  /** Mutants change what the process sees of its ports. */
  readonly mutateDatabase: (database: Database) => Database;
  readonly mutateDialer: (dialer: LinkDialer) => LinkDialer;
}

interface RunningEdge {
  readonly life: ProcessLife;
  readonly broker: MortalConnector;
}

/** How long after a start the machine looks whether what it knew runs again. */
const WATCH_PERIOD_MS = 500;
const DELETED_WATCH_PERIOD_MS = 1000;
const DATABASE = "edgecore.db";

/** One edge machine: disk, runtime and broker outlive the EdgeCore process of production code that runs on it. */
export class SimulatedEdge {
  readonly runtime: FakeContainerRuntime;
  readonly #options: SimulatedEdgeOptions;
  readonly #files = new FakeFileSystem();
  readonly #mounts = new FakeMounts();
  readonly #host = new FakeHost();
  readonly #networkCheck = new FakeNetworkCheck();
  /** Pods whose container ended by itself: they may rightly be in back-off. */
  readonly #restless = new Set<string>();
  /** UIDs whose deletion was committed here. */
  readonly #deleted = new Set<string>();
  #running: RunningEdge | undefined;
  #machineRestarted = false;

  /** The machine's clock: time passes as everywhere, but its hands may be set wrong. */
  readonly #clock: Clock;
  #wallOffsetMs = 0;

  constructor(options: SimulatedEdgeOptions) {
    this.#options = options;
    const { clock } = options;
    this.#clock = {
      now: () => clock.now() + this.#wallOffsetMs,
      monotonicMs: () => clock.monotonicMs(),
      setTimer: (delayMs, callback) => clock.setTimer(delayMs, callback),
    };
    this.runtime = new FakeContainerRuntime(this.#clock, [SIMULATED_IMAGE]);
  }

  /** The machine's wall clock is set, to so much before or after the true time. */
  setWallClock(offsetMs: number): void {
    this.#wallOffsetMs = offsetMs;
  }

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** Starts a new EdgeCore process on the machine. */
  start(): void {
    const { network, nodeName, random, history, logger } = this.#options;
    const life = new ProcessLife(this.#clock);
    const broker = new MortalConnector(this.#options.mqtt, life);
    this.#running = { life, broker };
    history.add({
      kind: "edge-started",
      knownPods: this.#knownPods(),
      machineRestarted: this.#machineRestarted,
      linkUp: network.cable === "up",
    });
    this.#machineRestarted = false;
    void this.#boot(life, broker, logger.child(nodeName), random.fork());
    this.#watchKnownPods(life, this.#knownPods());
    this.#watchDeletedPods(life);
  }

  /** As `kill -9` of EdgeCore: containers, files and what was committed stay. */
  kill(how: string): void {
    if (!this.#running) return;
    this.#running.life.kill();
    void this.#running.broker.drop();
    this.#running = undefined;
    this.#options.disk.losePower();
    this.#options.network.silence("edge");
    this.#options.history.add({ kind: "edge-stopped", how });
  }

  /** As a power cut: all processes are gone too. */
  losePower(): void {
    this.kill("power loss");
    this.runtime.losePower();
    this.#machineRestarted = true;
  }

  /** The process of some running container ends by itself. */
  endSomeContainer(): void {
    const container = this.#options.random.pick(this.runtime.running());
    if (!container) return;
    this.#restless.add(container.uid);
    this.runtime.endContainer(container.id, 1);
  }

  /** What is committed on the disk, by wire key. */
  storedObjects(): Map<string, KubernetesObject> {
    const rows = this.#options.disk.inspect(DATABASE, (reader) =>
      reader.all("SELECT name FROM sqlite_master WHERE name = 'meta'").length === 0
        ? []
        : reader.all("SELECT key, value FROM meta ORDER BY key"),
    );
    return new Map(
      (rows ?? []).map((row) => [String(row["key"]), JSON.parse(String(row["value"])) as KubernetesObject]),
    );
  }

  async #boot(life: ProcessLife, mqtt: MortalConnector, logger: Logger, random: SeededRandom): Promise<void> {
    const { disk, network, nodeName, history, beforeStart, mutateDatabase, mutateDialer } = this.#options;
    await beforeStart(network, life.clock);
    const database = mutateDatabase(await disk.open(DATABASE, edgeDatabaseMigrations));
    const identity = { name: nodeName, groups: ["system:nodes"], certificateFingerprint: nodeName };
    const edgeCore = new EdgeCore(
      {
        database,
        link: {
          dialer: mutateDialer(network.dialer(identity)),
          options: { projectId: "simulation", servers: ["cloud:10000"], delivery: this.#options.delivery },
        },
        edged: {
          runtime: mortalRuntime(this.runtime, life, random.fork(), history),
          fileSystem: this.#files,
          mounts: this.#mounts,
          host: this.#host,
          network: this.#networkCheck,
          config: edgedConfig({ nodeName, rootDirectory: "/edged" }),
        },
        mqtt,
        clock: life.clock,
        random,
        logger,
      },
      { nodeName },
    );
    edgeCore.metaManager.onChange((change) => {
      if (!life.alive) return;
      const { type, namespace, name } = change.key;
      const key = `${namespace}/${type}/${name}`;
      const { uid = "", resourceVersion: version = "0" } = change.object.metadata;
      if (change.kind === "stored") history.add({ kind: "object-stored", key, uid, version });
      else {
        this.#deleted.add(uid);
        history.add({ kind: "object-deleted", key, uid });
      }
    });
    await edgeCore.start();
  }

  /** UIDs of pods that a restart must bring back: stored, not being deleted, and not in back-off. */
  #knownPods(): string[] {
    return [...this.storedObjects().values()]
      .filter((object): object is Pod => object.kind === "Pod")
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined && !this.#restless.has(metadata.uid ?? ""))
      .map(({ metadata }) => metadata.uid ?? "");
  }

  #watchDeletedPods(life: ProcessLife): void {
    const { clock, history } = this.#options;
    const look = (): void => {
      if (!life.alive) return;
      for (const { uid, id } of this.runtime.running())
        if (this.#deleted.has(uid)) history.add({ kind: "deleted-pod-runs", podUid: uid, containerId: id });
      clock.setTimer(DELETED_WATCH_PERIOD_MS, look);
    };
    clock.setTimer(DELETED_WATCH_PERIOD_MS, look);
  }

  #watchKnownPods(life: ProcessLife, known: readonly string[]): void {
    const { clock, history } = this.#options;
    const look = (): void => {
      if (!life.alive) return;
      const stillKnown = new Set(this.#knownPods());
      const running = new Set(this.runtime.running().map(({ uid }) => uid));
      if (known.every((uid) => !stillKnown.has(uid) || running.has(uid))) history.add({ kind: "known-pods-running" });
      else clock.setTimer(WATCH_PERIOD_MS, look);
    };
    clock.setTimer(WATCH_PERIOD_MS, look);
  }
}
