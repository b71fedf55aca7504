import type { Pod } from "@skerry/api";
import { describeError, Listeners } from "@skerry/base";
import type { LocalPod, ServicePods } from "../servicenetwork/index.ts";
import { hostResolution } from "./pod/name-resolution.ts";
import { PodNotices } from "./pod/pod-notices.ts";
import type { PodWorker } from "./pod/pod-worker.ts";
import type { PodServices } from "./services.ts";

/** The node's pods as those see them who serve its Services. */
export class PodsForServices implements ServicePods {
  readonly #services: PodServices;
  readonly #workers: () => Iterable<PodWorker>;
  readonly #listeners: Listeners<void>;

  constructor(services: PodServices, workers: () => Iterable<PodWorker>) {
    this.#services = services;
    this.#workers = workers;
    this.#listeners = new Listeners((error) =>
      services.logger.error("A listener of pods failed", { error: describeError(error) }),
    );
  }

  get clusterDomain(): string {
    return this.#services.config.clusterDomain;
  }

  pods(): LocalPod[] {
    return [...this.#workers()].flatMap(({ reported }) => reported ?? []);
  }

  onPodsChanged(listener: () => void): Disposable {
    return this.#listeners.add(listener);
  }

  /** Pods came, went, or have another status. */
  changed(): void {
    this.#listeners.emit();
  }

  namesChanged(): void {
    for (const worker of this.#workers()) worker.wake();
  }

  async hostServers(): Promise<readonly string[]> {
    const { config, fileSystem } = this.#services;
    return (await hostResolution(config.resolvConf, fileSystem)).servers;
  }

  notice(pod: Pod, reason: string, message: string): void {
    new PodNotices(this.#services.recorder, pod).pod("Warning", reason, message);
  }
}
