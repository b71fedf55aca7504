import { configMaps, pods } from "@skerry/api";
import { type Clock, describeError, type Logger } from "@skerry/base";
import { AwaitedNodes, type CloudControllers, CloudHub, startCloudControllers } from "@skerry/cloudcore";
import type { KubernetesApi } from "@skerry/kube";
import type { Mutant } from "../mutants/mutant.ts";
import { CrashPoints } from "./crash-points.ts";
import type { FaultCounters } from "./fault-counters.ts";
import type { History, ObservedSession } from "./history.ts";
import { type EarlierAnswers, LyingApiServer } from "./lying-api-server.ts";
import { mortalListen } from "./mortal-link.ts";
import { ProcessLife } from "./process-life.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { SettableClock } from "./settable-clock.ts";
import type { SimulatedNetwork } from "./simulated-network.ts";
import type { SimulatedSink } from "./simulated-sink.ts";
import { listeningAs, type ProcessVersion } from "./version-skew.ts";
import { observe, type WatchRecord } from "./watch-record.ts";

/** What a simulated CloudCore stands on. */
export interface SimulatedCloudOptions {
  readonly name: string;
  /** The API as it truly is. */
  readonly api: KubernetesApi;
  /** Whether it brings its CustomResourceDefinitions; an API in memory takes everything without. */
  readonly installsDefinitions: boolean;
  readonly network: SimulatedNetwork;
  readonly clock: Clock;
  readonly random: SeededRandom;
  readonly counters: FaultCounters;
  readonly history: History;
  /** Where samples end up; it is no part of the CloudCores, and outlives them. */
  readonly sink: SimulatedSink;
  /** Told what was watched. */
  readonly onWatch: (observe: (incarnation: number) => readonly WatchRecord[]) => void;
  readonly logger: Logger;
  readonly mutant: Mutant | undefined;
}

interface RunningCloud {
  readonly life: ProcessLife;
  readonly api: LyingApiServer;
  hub: CloudHub | undefined;
  controllers: CloudControllers | undefined;
}

const SUPERVISOR_MS = 1000;
/** Collections that are watched beside the production code. */
const WATCHED = [pods, configMaps];

/** A CloudCore of production code that can be killed at any moment and started again. */
export class SimulatedCloud {
  readonly name: string;
  readonly crashPoints: CrashPoints;
  /** Of the next process. */
  version: ProcessVersion = "current";
  readonly #options: SimulatedCloudOptions;
  readonly #earlier: EarlierAnswers = new Map();
  readonly #clock: SettableClock;
  #running: RunningCloud | undefined;
  #startCount = 0;
  #lieProbability = 0;
  #apiDown = false;
  #lagging = false;

  constructor(options: SimulatedCloudOptions) {
    this.name = options.name;
    this.#options = options;
    this.crashPoints = new CrashPoints(options.clock);
    this.#clock = new SettableClock(options.clock);
  }

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** The node's session that this CloudCore believes in. */
  sessionOf(nodeName: string): ObservedSession | undefined {
    const link = this.#running?.hub?.trace(nodeName).link;
    if (link?.state !== "connected") return undefined;
    return { cloud: this.name, openedAtMs: Math.round(this.#clock.trueTimeOf(link.sinceMs)) };
  }

  /** The machine's wall clock is set, to so much before or after the true time. */
  setWallClock(offsetMs: number): void {
    this.#clock.set(offsetMs);
  }

  /** How often its API server lies, 0…1 per call; also for later incarnations. */
  setLies(probability: number, apiDown: boolean): void {
    this.#lieProbability = probability;
    this.#apiDown = apiDown;
    if (!this.#running) return;
    this.#running.api.lieProbability = probability;
    this.#running.api.down = apiDown;
  }

  /** Whether the API server's caches stand still. */
  setLag(lagging: boolean): void {
    this.#lagging = lagging;
    if (this.#running) this.#running.api.lagging = lagging;
  }

  /** Its API server has no caches of before any more. */
  forgetEarlierAnswers(): void {
    this.#earlier.clear();
  }

  /** Starts a new process. It becomes ready when its API lets it; a supervisor would start it again when it gives up. */
  start(): void {
    const { clock, random, counters, network, sink, onWatch, logger, mutant } = this.#options;
    this.#startCount++;
    this.#options.history.add(undefined, { kind: "cloud-started", cloud: this.name });
    const observer = `${this.name}, start ${this.#startCount}`;
    const life = new ProcessLife(this.#clock);
    const api = new LyingApiServer(this.#options.api, {
      clock: life.clock,
      random: random.fork(),
      counters,
      earlier: this.#earlier,
      crashPoints: this.crashPoints,
    });
    const running: RunningCloud = { life, api, hub: undefined, controllers: undefined };
    this.#running = running;
    this.setLies(this.#lieProbability, this.#apiDown);
    this.setLag(this.#lagging);
    const boot = async (): Promise<void> => {
      const seen = mutant?.mutateApi?.(api) ?? api;
      const ports = { api: seen, clock: life.clock, random: random.fork(), logger: logger.child(this.name) };
      const listen = listeningAs(this.version, mortalListen(network.listener(this.name), this.crashPoints));
      onWatch((incarnation) => WATCHED.map((resource) => observe(resource, observer, incarnation, ports)));
      const cloudHub = new CloudHub({
        ...ports,
        replica: this.name,
        listen: mutant?.mutateListen?.(listen, life.clock) ?? listen,
      });
      const telemetry = await sink.connect(life, this.crashPoints, mutant);
      const options = { ...ports, cloudHub, telemetry, installCustomResources: this.#options.installsDefinitions };
      running.controllers = await startCloudControllers(options);
      await cloudHub.start(running.controllers.handlers, running.controllers.nodeObjects);
      // Its timers end with the process.
      new AwaitedNodes({ ...ports, replica: this.name, cloudHub });
      running.hub = cloudHub;
    };
    life.whileAlive(boot()).catch((error: unknown) => {
      logger.warn("CloudCore did not start; its supervisor tries again", { error: describeError(error) });
      this.kill();
      clock.setTimer(SUPERVISOR_MS, () => this.startIfDown());
    });
  }

  startIfDown(): void {
    if (!this.#running) this.start();
  }

  /** As `kill -9`. */
  kill(): void {
    this.#end("kill -9", () => this.#options.network.killProcess(this.name));
  }

  /** As a power cut: nothing is said to anybody. */
  losePower(): void {
    this.#end("power loss", () => this.#options.network.losePower(this.name));
  }

  /** The world is over. */
  destroy(): void {
    this.#running?.life.kill();
    this.#running = undefined;
  }

  #end(how: string, onNetwork: () => void): void {
    if (!this.#running) return;
    this.#options.history.add(undefined, { kind: "cloud-stopped", cloud: this.name, how });
    this.#running.life.kill();
    this.#running = undefined;
    onNetwork();
  }
}
