import type { KubernetesObject, ObjectList } from "@skerry/api";
import { type Clock, describeError, type Logger } from "@skerry/base";
import { type CloudControllers, CloudHub, startCloudControllers } from "@skerry/cloudcore";
import type { KubernetesApi } from "@skerry/kube";
import type { LinkListen } from "@skerry/link";
import type { FaultCounters } from "./fault-counters.ts";
import { LyingApiServer } from "./lying-api-server.ts";
import { ProcessLife } from "./process-life.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** What a simulated CloudCore stands on. */
export interface SimulatedCloudOptions {
  /** The API as it truly is. */
  readonly api: KubernetesApi;
  readonly listen: LinkListen;
  readonly clock: Clock;
  readonly random: SeededRandom;
  readonly counters: FaultCounters;
  readonly logger: Logger;
}

interface RunningCloud {
  readonly life: ProcessLife;
  readonly api: LyingApiServer;
  controllers: CloudControllers | undefined;
}

/** A CloudCore of production code that can be killed at any moment and started again. */
export class SimulatedCloud {
  readonly #options: SimulatedCloudOptions;
  #running: RunningCloud | undefined;
  readonly #earlierLists = new Map<string, ObjectList<KubernetesObject>>();
  #lieProbability = 0;
  #apiDown = false;
  #lagging = false;

  constructor(options: SimulatedCloudOptions) {
    this.#options = options;
  }

  get isRunning(): boolean {
    return this.#running !== undefined;
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

  /** Starts a new process. It becomes ready when its API lets it; a supervisor would start it again when it gives up. */
  start(): void {
    const { clock, random, counters, listen, logger } = this.#options;
    const life = new ProcessLife(clock);
    const api = new LyingApiServer(this.#options.api, life.clock, random.fork(), counters, this.#earlierLists);
    const running: RunningCloud = { life, api, controllers: undefined };
    this.#running = running;
    this.setLies(this.#lieProbability, this.#apiDown);
    this.setLag(this.#lagging);
    const boot = async (): Promise<void> => {
      const ports = { api, clock: life.clock, random: random.fork(), logger };
      const cloudHub = new CloudHub({ ...ports, listen });
      running.controllers = await startCloudControllers({ ...ports, cloudHub, installCustomResources: false });
      await cloudHub.start(running.controllers.handlers, running.controllers.nodeObjects);
    };
    life.whileAlive(boot()).catch((error: unknown) => {
      logger.warn("CloudCore did not start; its supervisor tries again", { error: describeError(error) });
      this.kill();
      clock.setTimer(1000, () => {
        if (!this.#running) this.start();
      });
    });
  }

  /** As `kill -9`: nothing is said to anybody. */
  kill(): void {
    this.#running?.life.kill();
    this.#running = undefined;
  }
}
