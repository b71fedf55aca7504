import { createHash } from "node:crypto";

/** A digest over all that crosses the world's ports, in order: two runs with the same one were the same, byte for byte. */
export class Trace {
  readonly #hash = createHash("sha256");
  #count = 0;

  note(...parts: readonly string[]): void {
    this.#count++;
    for (const part of parts) this.#hash.update(`${part.length}:${part}`);
  }

  /** `<entries>-<hash>`; ends the trace. */
  end(): string {
    return `${this.#count}-${this.#hash.digest("hex")}`;
  }
}
