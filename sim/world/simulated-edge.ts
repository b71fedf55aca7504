import type { Pod } from "@skerry/api";
import { type Clock, describeError, isSkerryError, type Logger } from "@skerry/base";
import {
  defaultSampleRingLimits,
  EdgeCore,
  edgeDatabaseMigrations,
  edgedConfig,
  type MqttConnector,
  telemetryMigrations,
} from "@skerry/edgecore";
import {
  FakeContainerEvents,
  FakeContainerRuntime,
  FakeFileSystem,
  FakeHost,
  FakeMounts,
  FakeNetworkCheck,
  sealOfKey,
} from "@skerry/edgecore/testing";
import type { DeliveryName } from "@skerry/link";
import type { EdgeLimits } from "../checkers/queues-are-bounded.ts";
import type { Mutant, MutatedEdge } from "../mutants/mutant.ts";
import { DMI_SOCKET } from "../workload/driver.ts";
import { SIMULATED_IMAGE } from "../workload/names.ts";
import { CrashPoints } from "./crash-points.ts";
import { DATABASE, EdgeState, SAMPLES } from "./edge-state.ts";
import type { NodeHistory } from "./history.ts";
import { MortalConnector } from "./mortal-connector.ts";
import { mortalDialer } from "./mortal-link.ts";
import { mortalRuntime } from "./mortal-runtime.ts";
import { ownerOf } from "./object-owner.ts";
import { ProcessLife } from "./process-life.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { SettableClock } from "./settable-clock.ts";
import { SimulatedDisk } from "./simulated-disk.ts";
import type { SimulatedNetwork } from "./simulated-network.ts";
import type { SimulatedSockets } from "./simulated-sockets.ts";
import type { SqlEngine } from "./sql-engine.ts";
import type { Trace } from "./trace.ts";
import { dialingAs, type ProcessVersion } from "./version-skew.ts";

/** What a simulated edge machine stands on. */
export interface SimulatedEdgeOptions {
  readonly nodeName: string;
  readonly delivery: DeliveryName;
  /** Its container runtime tells what happens to containers. */
  readonly hasRuntimeEvents: boolean;
  /** `host:port` of each CloudCore. */
  readonly servers: readonly string[];
  readonly network: SimulatedNetwork;
  readonly engine: SqlEngine;
  /** A database does not open, or is damaged. */
  readonly onDamage: (message: string) => void;
  readonly mqtt: MqttConnector;
  /** Where drivers on the machine are found. */
  readonly sockets: SimulatedSockets;
  /** The machine's power came back or went; what else runs on it follows. */
  readonly onPower: (isOn: boolean) => void;
  readonly clock: Clock;
  readonly random: SeededRandom;
  readonly logger: Logger;
  readonly history: NodeHistory;
  readonly limits: EdgeLimits;
  readonly trace: Trace;
  readonly mutant: Mutant | undefined;
}

interface RunningEdge {
  readonly life: ProcessLife;
  readonly broker: MortalConnector;
}

/** How long after a start the machine looks whether what it knew runs again. */
const WATCH_PERIOD_MS = 500;
const DELETED_WATCH_PERIOD_MS = 1000;

/** One edge machine: disk, runtime and broker outlive the EdgeCore process of production code that runs on it. */
export class SimulatedEdge {
  readonly name: string;
  readonly delivery: DeliveryName;
  readonly runtime: FakeContainerRuntime;
  readonly disk: SimulatedDisk;
  readonly state: EdgeState;
  readonly crashPoints: CrashPoints;
  /** Of the next process. */
  version: ProcessVersion = "current";
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
  #newestVersion = 0;
  /** A newer version has changed the tables. */
  #isSchemaNewer = false;
  #machineRestarted = false;

  readonly #clock: SettableClock;

  constructor(options: SimulatedEdgeOptions) {
    this.#options = options;
    this.name = options.nodeName;
    this.delivery = options.delivery;
    const { clock, engine, random, trace } = options;
    this.crashPoints = new CrashPoints(clock);
    this.disk = new SimulatedDisk({
      engine,
      clock,
      random: random.fork(),
      crashPoints: this.crashPoints,
      onDamage: options.onDamage,
      onCommit: (name) => {
        trace.note(String(clock.monotonicMs()), options.nodeName, name);
        if (name === DATABASE) this.#noteForgetting();
      },
    });
    this.state = new EdgeState(this.disk);
    this.#clock = new SettableClock(clock);
    this.runtime = new FakeContainerRuntime(this.#clock, [SIMULATED_IMAGE]);
    if (options.hasRuntimeEvents) this.runtime.events = new FakeContainerEvents(this.#clock);
  }

  /** The machine's wall clock is set, to so much before or after the true time. */
  setWallClock(offsetMs: number): void {
    this.#clock.set(offsetMs);
  }

  get isSchemaNewer(): boolean {
    return this.#isSchemaNewer;
  }

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** Starts a new EdgeCore process on the machine. */
  start(): void {
    const { network, nodeName, random, history, logger, mqtt, mutant, onPower } = this.#options;
    const life = new ProcessLife(this.#clock);
    const broker = new MortalConnector(mutant?.mutateMqtt?.(mqtt) ?? mqtt, life, this.crashPoints);
    this.#running = { life, broker };
    history.add({
      kind: "edge-started",
      knownPods: this.#knownPods(),
      machineRestarted: this.#machineRestarted,
      linkUp: network.isReachable(nodeName),
    });
    this.#machineRestarted = false;
    onPower(true);
    this.#boot(life, broker, logger.child(nodeName), random.fork()).catch((error: unknown) => {
      if (!life.alive) return;
      this.kill();
      if (this.#isSchemaNewer && isSkerryError(error, "STORE_DATABASE_TOO_NEW"))
        history.add({ kind: "schema-refused" });
      else this.#options.onDamage(`EdgeCore does not start: ${describeError(error)}`);
    });
    this.#watchKnownPods(life, this.#knownPods());
    this.#watchDeletedPods(life);
  }

  /** A newer version has run on the machine and changed the tables, or it was put back; only while EdgeCore does not run. */
  setSchemaNewer(isNewer: boolean): void {
    if (this.#running) return;
    this.#isSchemaNewer = isNewer;
    const beyond = isNewer ? 1 : 0;
    this.disk.setSchemaVersion(DATABASE, edgeDatabaseMigrations.length + beyond);
    this.disk.setSchemaVersion(SAMPLES, telemetryMigrations.length + beyond);
  }

  startIfDown(): void {
    if (!this.#running) this.start();
  }

  healRuntime(): void {
    this.runtime.delayMs = 0;
    this.runtime.setAvailable(true);
    this.runtime.clearFailures();
    this.runtime.events?.heal();
  }

  /** As `kill -9` of EdgeCore: containers, files and what was committed stay. */
  kill(): void {
    this.#end("kill -9", () => {
      this.disk.closeAll();
      this.#options.network.killProcess(this.name);
    });
  }

  /** As a power cut: all processes are gone too. */
  losePower(): void {
    this.#end("power loss", () => {
      this.disk.losePower();
      this.#options.network.losePower(this.name);
      this.runtime.losePower();
      this.#options.onPower(false);
      this.#machineRestarted = true;
    });
  }

  /** Keeps copies of the databases as they are now. */
  backUp(): void {
    // What a newer version has written, this one would refuse for good when it is put back.
    if (this.#isSchemaNewer) return;
    this.disk.backUp(DATABASE);
    this.disk.backUp(SAMPLES);
  }

  /** Puts the copy in place of the database; only while EdgeCore does not run. */
  restoreDatabase(): void {
    if (!this.#running && this.disk.restore(DATABASE)) this.#options.history.add({ kind: "database-restored" });
  }

  /** The same for the ring of samples. */
  restoreSamples(): void {
    if (!this.#running && this.disk.restore(SAMPLES)) this.#options.history.add({ kind: "samples-restored" });
  }

  /** The world is over. */
  destroy(): void {
    this.#running?.life.kill();
    this.#running = undefined;
    this.disk.destroy();
  }

  #end(how: string, onMachine: () => void): void {
    if (!this.#running) return;
    this.#running.life.kill();
    this.runtime.events?.breakOff();
    void this.#running.broker.drop();
    this.#options.sockets.drop(this.#running.life);
    this.#running = undefined;
    onMachine();
    this.#options.history.add({ kind: "edge-stopped", how });
  }

  /** The process of some running container ends by itself. */
  endSomeContainer(random: SeededRandom): void {
    const container = random.pick(this.runtime.running());
    if (!container) return;
    this.#restless.add(container.uid);
    this.runtime.endContainer(container.id, 1);
  }

  /** The runtime forgets some running container, whose process is gone. */
  loseSomeContainer(random: SeededRandom): void {
    const container = random.pick(this.runtime.running());
    if (container) this.runtime.loseContainer(container.id);
  }

  /**
   * Only a restored cluster makes a node forget all versions, those of deletions too. What the same commit stored may be
   * from before or after that: its listeners tell between the two notes.
   */
  #noteForgetting(): void {
    const before = this.#newestVersion;
    this.#newestVersion = this.state.newestVersion();
    if (this.#newestVersion >= before) return;
    const note = (): void => this.#options.history.add({ kind: "versions-forgotten" });
    note();
    this.#options.clock.setTimer(0, note);
  }

  async #boot(life: ProcessLife, mqtt: MortalConnector, logger: Logger, random: SeededRandom): Promise<void> {
    const { network, nodeName, servers, delivery, history, limits, sockets, mutant } = this.#options;
    const mutated: MutatedEdge = {
      clock: life.clock,
      isCloudReachable: () => network.isReachable(nodeName),
      inspect: (read) => this.disk.inspect(DATABASE, read),
    };
    await mutant?.beforeStart?.(mutated);
    const opened = await this.disk.open(DATABASE, edgeDatabaseMigrations);
    const database = mutant?.mutateDatabase?.(opened, mutated) ?? opened;
    const samples = await this.disk.open(SAMPLES, telemetryMigrations, { syncsBeside: true });
    if (this.#isSchemaNewer && this.state.schemaVersion() > edgeDatabaseMigrations.length)
      this.#options.onDamage("EdgeCore runs on a database that a newer version has written");
    const transport = sockets.transport({ life, crashPoints: this.crashPoints });
    const identity = { name: nodeName, groups: ["system:nodes"], certificateFingerprint: nodeName };
    const dialer = dialingAs(this.version, mortalDialer(network.dialer(identity), this.crashPoints));
    const isLiving = (uid: string): boolean => this.#isLiving(uid);
    const runtime = mortalRuntime(this.runtime, life, this.crashPoints, random.fork(), history, isLiving);
    const edgeCore = new EdgeCore(
      {
        database,
        link: {
          dialer: mutant?.mutateDialer?.(dialer, mutated) ?? dialer,
          options: { projectId: "simulation", servers, delivery },
        },
        edged: {
          runtime: mutant?.mutateRuntime?.(runtime, mutated) ?? runtime,
          fileSystem: this.#files,
          mounts: this.#mounts,
          host: this.#host,
          network: this.#networkCheck,
          seal: sealOfKey(),
          config: edgedConfig({ nodeName, rootDirectory: "/edged" }),
        },
        mqtt,
        dmi: { transport: mutant?.mutateDmi?.(transport) ?? transport, socketPath: DMI_SOCKET },
        telemetry: {
          database: mutant?.mutateSamples?.(samples, mutated) ?? samples,
          limits: { ...defaultSampleRingLimits, maximumBytes: limits.ringBytes },
        },
        clock: life.clock,
        random,
        logger,
      },
      { nodeName, metaManager: { outboxLimits: limits.outbox } },
    );
    edgeCore.metaManager.onChange((change) => {
      if (!life.alive) return;
      const { type, namespace, name } = change.key;
      const key = `${namespace}/${type}/${name}`;
      const { uid = "", resourceVersion: version = "0" } = change.object.metadata;
      if (change.kind === "stored") {
        history.add({ kind: "object-stored", key, uid, version, owner: ownerOf(change.object) });
      } else {
        this.#deleted.add(uid);
        history.add({ kind: "object-deleted", key, uid });
      }
    });
    await edgeCore.start();
  }

  /** UIDs of pods that a restart must bring back: stored, not being deleted, and not in back-off. */
  #knownPods(): string[] {
    return [...this.state.storedObjects().values()]
      .filter((object): object is Pod => object.kind === "Pod")
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined && !this.#restless.has(metadata.uid ?? ""))
      .map(({ metadata }) => metadata.uid ?? "");
  }

  /** Whether the pod is stored, and not being deleted. */
  #isLiving(podUid: string): boolean {
    return [...this.state.storedObjects().values()].some(
      ({ kind, metadata }) => kind === "Pod" && metadata.uid === podUid && metadata.deletionTimestamp === undefined,
    );
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
