import { type Clock, describeError, type Logger, type Timer } from "@skerry/base";
import type { CloudLink } from "../../edgehub/index.ts";
import type { ResourceUsage } from "./usage.ts";
import type { UsageMeter } from "./usage-meter.ts";

export interface OfflineUsageOptions {
  readonly meter: Pick<UsageMeter, "measure">;
  readonly cloudLink: Pick<CloudLink, "state" | "onState">;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Who is scraped so rarely is not watched. */
const WATCHED_MS = 10 * 60_000;
const FIRST_INTERVAL_MS = 30_000;
/** Beyond that every second measurement goes, and the rest of the outage is measured half as often. */
const MAX_MEASUREMENTS = 240;
/** Together with the one before: some 3 MB at most. */
const MAX_CONTAINERS = 20_000;
/** How long after an outage it can still be asked for. */
const KEPT_MS = 15 * 60_000;
/** What is told at once: as much as fits into a scrape. */
const MAX_TOLD_CONTAINERS = 1_000;

/** Names of a container, one object for all its measurements. */
type Identity = Pick<ResourceUsage["containers"][number], "namespace" | "pod" | "podUid" | "container">;

interface Kept {
  readonly machine: ResourceUsage["machine"];
  readonly containers: readonly {
    readonly identity: Identity;
    readonly atMs: number;
    readonly cpuNanos: number;
    readonly memoryWorkingSetBytes: number;
  }[];
}

/**
 * Measures on while the link is down, for those who scraped the node before, in memory: a node that nobody scrapes
 * measures nothing. A longer outage is kept in coarser steps, so that the memory has a limit and no part is missing.
 */
export class OfflineUsage implements Disposable {
  readonly #options: OfflineUsageOptions;
  readonly #registration: Disposable;
  readonly #identities = new Map<string, Identity>();
  #kept: Kept[] = [];
  #containers = 0;
  #intervalMs = FIRST_INTERVAL_MS;
  #askedMs = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;
  #isOffline = false;
  #stopped = false;

  constructor(options: OfflineUsageOptions) {
    this.#options = options;
    this.#registration = options.cloudLink.onState(({ kind }) => this.#onState(kind === "connected"));
  }

  /**
   * What was measured while the link was down, after a time (wall clock of this machine, ms), oldest first. `complete`
   * says whether that is all: the rest is told when it is asked for with the newest time of these.
   */
  since(afterMs: number): { readonly measurements: readonly ResourceUsage[]; readonly complete: boolean } {
    this.#askedMs = this.#options.clock.monotonicMs();
    const measurements: ResourceUsage[] = [];
    let told = 0;
    for (const { machine, containers } of this.#kept) {
      if (machine.atMs <= afterMs) continue;
      if (told > 0 && told + containers.length > MAX_TOLD_CONTAINERS) return { measurements, complete: false };
      told += Math.max(1, containers.length);
      measurements.push({ machine, containers: containers.map(({ identity, ...own }) => ({ ...identity, ...own })) });
    }
    return { measurements, complete: true };
  }

  [Symbol.dispose](): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#registration[Symbol.dispose]();
  }

  #onState(isConnected: boolean): void {
    const { clock } = this.#options;
    if (isConnected === !this.#isOffline) return;
    this.#isOffline = !isConnected;
    this.#timer?.cancel();
    this.#timer = undefined;
    if (isConnected) {
      if (this.#kept.length > 0) this.#timer = clock.setTimer(KEPT_MS, () => this.#forget());
    } else if (clock.monotonicMs() - this.#askedMs < WATCHED_MS) {
      this.#intervalMs = FIRST_INTERVAL_MS;
      this.#timer = clock.setTimer(this.#intervalMs, () => void this.#measure());
    }
  }

  /** Never rejects. */
  async #measure(): Promise<void> {
    const { meter, clock, logger } = this.#options;
    try {
      const usage = await meter.measure();
      if (this.#stopped || !this.#isOffline) return;
      this.#keep(usage);
    } catch (error) {
      logger.debug("The node could not be measured while it is offline", { error: describeError(error) });
    }
    if (this.#stopped || !this.#isOffline) return;
    this.#timer = clock.setTimer(this.#intervalMs, () => void this.#measure());
  }

  #keep({ machine, containers }: ResourceUsage): void {
    this.#kept.push({
      machine: { atMs: machine.atMs, cpuNanos: machine.cpuNanos, memoryWorkingSetBytes: machine.memoryWorkingSetBytes },
      containers: containers.map(({ namespace, pod, podUid, container, atMs, cpuNanos, memoryWorkingSetBytes }) => ({
        identity: this.#identityOf({ namespace, pod, podUid, container }),
        atMs,
        cpuNanos,
        memoryWorkingSetBytes,
      })),
    });
    this.#containers += containers.length;
    if (this.#kept.length <= MAX_MEASUREMENTS && this.#containers <= MAX_CONTAINERS) return;
    this.#kept = this.#kept.filter((_kept, index) => index % 2 === 0);
    this.#containers = this.#kept.reduce((sum, kept) => sum + kept.containers.length, 0);
    this.#identities.clear();
    for (const { containers: all } of this.#kept)
      for (const { identity } of all) this.#identities.set(keyOf(identity), identity);
    this.#intervalMs *= 2;
  }

  #identityOf(identity: Identity): Identity {
    const known = this.#identities.get(keyOf(identity)) ?? identity;
    this.#identities.set(keyOf(known), known);
    return known;
  }

  #forget(): void {
    this.#kept = [];
    this.#containers = 0;
    this.#identities.clear();
  }
}

const keyOf = ({ podUid, container }: Identity): string => `${podUid}/${container}`;
