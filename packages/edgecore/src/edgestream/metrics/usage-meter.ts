import { type Clock, sleep } from "@skerry/base";
import { type ContainerUsage, type MachineUsage, nanoCores, type Usage, type UsageSource } from "./usage.ts";

/** A measurement with the processors' use since the one before; undefined where there is none to compare with. */
export interface MeteredUsage {
  readonly machine: MachineUsage & { readonly nanoCores: number | undefined };
  readonly containers: readonly (ContainerUsage & { readonly nanoCores: number | undefined })[];
}

/** A measurement of so long ago says what is used now; older ones would hide it. */
const COMPARABLE_MS = { least: 5_000, most: 60_000 };
/** Without a comparable measurement two are made, so long apart. */
const APART_MS = 2_000;

/** Measures when asked; nothing is measured, and no memory used, while nobody asks. */
export class UsageMeter {
  readonly #source: UsageSource;
  readonly #clock: Clock;
  #before: Usage | undefined;
  #measuring: Promise<MeteredUsage> | undefined;

  constructor(source: UsageSource, clock: Clock) {
    this.#source = source;
    this.#clock = clock;
  }

  /** Those who ask meanwhile get the same answer. @throws SkerryError `RUNTIME_*` */
  measure(): Promise<MeteredUsage> {
    this.#measuring ??= this.#measure().finally(() => {
      this.#measuring = undefined;
    });
    return this.#measuring;
  }

  async #measure(): Promise<MeteredUsage> {
    let before = this.#before;
    let now = await this.#source.read();
    const ageMs = before ? now.machine.atMs - before.machine.atMs : Number.POSITIVE_INFINITY;
    if (ageMs < COMPARABLE_MS.least || ageMs > COMPARABLE_MS.most) {
      before = now;
      await sleep(this.#clock, APART_MS);
      now = await this.#source.read();
    }
    this.#before = now;
    return metered(before, now);
  }
}

function metered(before: Usage | undefined, now: Usage): MeteredUsage {
  const keyOf = ({ podUid, container }: ContainerUsage): string => `${podUid}/${container}`;
  const earlier = new Map((before?.containers ?? []).map((usage) => [keyOf(usage), usage]));
  return {
    machine: { ...now.machine, nanoCores: before && nanoCores(before.machine, now.machine) },
    containers: now.containers.map((usage) => {
      const known = earlier.get(keyOf(usage));
      return { ...usage, nanoCores: known && nanoCores(known, usage) };
    }),
  };
}
