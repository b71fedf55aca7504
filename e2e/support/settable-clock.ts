import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { unpackDebianPackages } from "../../packages/skerry/src/systemparts/debian-packages.ts";
import { root, sharedParts } from "./installation.ts";
import { type Ended, run } from "./run.ts";
import type { SecondMachine } from "./second-machine.ts";

/** The clock of a second machine, which can be set while its processes run (libfaketime); the cloud's stays right. */
export class SettableClock {
  readonly #file: string;
  readonly #library: string;
  readonly #machine: SecondMachine;

  private constructor(file: string, library: string, machine: SecondMachine) {
    this.#file = file;
    this.#library = library;
    this.#machine = machine;
  }

  /** @param folder where the clock's file is kept */
  static async create(folder: string, machine: SecondMachine): Promise<SettableClock> {
    const unpacked = await unpackDebianPackages(["libfaketime"], join(sharedParts, "tests"));
    const library = (await run(["find", unpacked, "-name", "libfaketimeMT.so.1"])).stdout.trim();
    assert.notEqual(library, "", "libfaketime is in its package");
    const clock = new SettableClock(join(folder, "clock"), library, machine);
    clock.set("+0");
    return clock;
  }

  /** To so much before or after the true time, e.g. `-2h`. */
  set(offset: string): void {
    writeFileSync(this.#file, offset);
  }

  /** Runs `skerry …` on the machine, with this clock. */
  skerry(...parameters: readonly string[]): Promise<Ended> {
    const environment = [
      `LD_PRELOAD=${this.#library}`,
      `FAKETIME_TIMESTAMP_FILE=${this.#file}`,
      "FAKETIME_DONT_FAKE_MONOTONIC=1",
      "FAKETIME_CACHE_DURATION=1",
    ];
    return this.#machine.run("env", ...environment, join(root, "bin/skerry"), ...parameters);
  }
}
