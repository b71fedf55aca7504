import { type Random, randomInteger } from "@skerry/base";

/** Time in which the heater brings the room two thirds of the way to its target. */
const heatingTimeMs = 60_000;
/** How long one round of the outer temperature takes. */
const dayMs = 10 * 60_000;

/** A room with a heater: its temperature follows the target slowly, and what is outside a little. */
export class Room {
  readonly #random: Random;
  #temperature: number;
  #target: number;
  #elapsedMs = 0;

  constructor(random: Random, target = 21) {
    this.#random = random;
    this.#target = target;
    this.#temperature = target - 2;
  }

  /** Degrees Celsius, as the sensor shows them: one decimal. */
  get temperature(): string {
    return this.#temperature.toFixed(1);
  }

  /** Degrees Celsius that the heater works towards. */
  get target(): number {
    return this.#target;
  }

  set target(target: number) {
    this.#target = target;
  }

  /** Lets time pass. */
  advance(durationMs: number): void {
    this.#elapsedMs += durationMs;
    const outside = Math.sin((2 * Math.PI * this.#elapsedMs) / dayMs);
    const settled = this.#target + 0.5 * outside;
    const share = 1 - Math.exp(-durationMs / heatingTimeMs);
    const noise = (randomInteger(this.#random, 3) - 1) * 0.05;
    this.#temperature += (settled - this.#temperature) * share + noise;
  }
}
