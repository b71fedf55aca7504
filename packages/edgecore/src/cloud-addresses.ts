import { type Random, randomInteger } from "@skerry/base";

/**
 * Which of the cloud's addresses is dialled next. All are as good as each other: the first dial goes to any of them, so
 * that a fleet with one configuration spreads over the replicas; after a loss the address that was last good comes first,
 * then the others in turn.
 */
export class CloudAddresses {
  readonly #addresses: readonly string[];
  #at: number;
  #failures = 0;

  /** @param addresses at least one; those given twice count once */
  constructor(addresses: readonly string[], random: Random) {
    this.#addresses = [...new Set(addresses)];
    this.#at = this.#addresses.length > 1 ? randomInteger(random, this.#addresses.length) : 0;
  }

  /** How many different addresses there are. */
  get count(): number {
    return this.#addresses.length;
  }

  /** The address to dial now. */
  get current(): string {
    return this.#addresses[this.#at] ?? "";
  }

  /** Whether another address has not been tried yet since the last success: no reason to wait for long with this one. */
  get hasUntried(): boolean {
    return this.#failures + 1 < this.#addresses.length;
  }

  /** The present address was good: it comes first after the next loss. */
  succeeded(): void {
    this.#failures = 0;
  }

  /** The present address was not good. Returns whether another one is still to be tried before a pause. */
  failed(): boolean {
    this.#failures++;
    this.#at = (this.#at + 1) % this.#addresses.length;
    return this.#failures % this.#addresses.length !== 0;
  }
}
