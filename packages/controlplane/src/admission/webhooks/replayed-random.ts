import type { Random } from "@skerry/base";

/** Draws from another source, and the same again after `rewind`: a work that is undone and repeated comes to the same. */
export class ReplayedRandom implements Random {
  readonly #source: Random;
  readonly #uuids: Drawn<string>;
  readonly #floats: Drawn<number>;
  /** Draws of one size each. */
  readonly #bytes = new Map<number, Drawn<Uint8Array>>();

  constructor(source: Random) {
    this.#source = source;
    this.#uuids = new Drawn(() => source.uuid());
    this.#floats = new Drawn(() => source.float());
  }

  rewind(): void {
    for (const drawn of [this.#uuids, this.#floats, ...this.#bytes.values()]) drawn.rewind();
  }

  uuid(): string {
    return this.#uuids.next();
  }

  float(): number {
    return this.#floats.next();
  }

  bytes(sizeBytes: number): Uint8Array {
    const drawn = this.#bytes.get(sizeBytes) ?? new Drawn(() => this.#source.bytes(sizeBytes));
    this.#bytes.set(sizeBytes, drawn);
    return drawn.next().slice();
  }
}

class Drawn<T> {
  readonly #draw: () => T;
  readonly #values: T[] = [];
  #position = 0;

  constructor(draw: () => T) {
    this.#draw = draw;
  }

  rewind(): void {
    this.#position = 0;
  }

  next(): T {
    const known = this.#values[this.#position];
    const value = known ?? this.#draw();
    if (known === undefined) this.#values.push(value);
    this.#position++;
    return value;
  }
}
