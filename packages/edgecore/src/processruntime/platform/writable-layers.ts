import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { diskUse } from "../../edged/platform/disk-use.ts";
import type { DiskUse } from "../../edged/ports.ts";
import type { Container } from "./container-record.ts";

/** So long a count holds, and longer where counting itself takes long: all files have to be looked at. */
const LEAST_INTERVAL_MS = 10_000;
const REST_FACTOR = 10;
/** Who asks for it has a time limit for all of the answer. */
const LONGEST_WAIT_MS = 2_000;

/** Counts what containers have written over their images' files; as many counts as there are containers. */
export class WritableLayers {
  readonly #counts = new Map<string, { readonly use: DiskUse; readonly holdsUntilMs: number }>();
  #counting: Promise<void> | undefined;

  /** By the containers' ids; one with too many files to be counted soon is as it was last time, at first left out. */
  async measure(containers: readonly Pick<Container, "id" | "folder">[]): Promise<ReadonlyMap<string, DiskUse>> {
    this.#counting ??= this.#count(containers).finally(() => {
      this.#counting = undefined;
    });
    const waiting = new AbortController();
    const limit = delay(LONGEST_WAIT_MS, undefined, { signal: waiting.signal }).catch(() => undefined);
    await Promise.race([this.#counting, limit]);
    waiting.abort();
    return new Map([...this.#counts].map(([id, { use }]) => [id, use]));
  }

  /** One after the other: it is not to be felt. */
  async #count(containers: readonly Pick<Container, "id" | "folder">[]): Promise<void> {
    const ids = new Set(containers.map(({ id }) => id));
    for (const id of this.#counts.keys()) if (!ids.has(id)) this.#counts.delete(id);
    for (const { id, folder } of containers) {
      const startedMs = performance.now();
      if (startedMs < (this.#counts.get(id)?.holdsUntilMs ?? 0)) continue;
      const use = await diskUse(join(folder, "upper"));
      const endedMs = performance.now();
      const restMs = Math.max(LEAST_INTERVAL_MS, REST_FACTOR * (endedMs - startedMs));
      this.#counts.set(id, { use, holdsUntilMs: endedMs + restMs });
    }
  }
}
