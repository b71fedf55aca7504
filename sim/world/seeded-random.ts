import { SeededRandom as RandomOfSeed } from "@skerry/base/testing";

/** Seeded randomness with what a schedule of faults needs. */
export class SeededRandom extends RandomOfSeed {
  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.float() < probability;
  }

  /** An integer from `low` up to and without `high`. */
  between(low: number, high: number): number {
    return low + Math.floor(this.float() * (high - low));
  }

  pick<T>(items: readonly T[]): T | undefined {
    return items[this.between(0, items.length)];
  }

  /** An independent generator, so that one part's draws do not shift another's. */
  fork(): SeededRandom {
    return new SeededRandom(this.between(0, 2 ** 32));
  }
}
