/** What the node is known to hold of an object, or that it is gone there. */
interface Settled {
  readonly version: bigint | undefined;
  /** When the deletion was acknowledged; undefined for a live object. */
  readonly deletedAtMs: number | undefined;
}

/**
 * The versions that a node has acknowledged, so that nothing older is sent again; and for a while those of deleted
 * objects, so that a late update does not bring them back (wire.md W31). At its limit it forgets what was settled
 * longest ago: the node itself refuses older versions, this only saves sending them.
 */
export class SettledVersions {
  readonly #settled = new Map<string, Settled>();
  readonly #limit: number;
  readonly #tombstoneMs: number;

  constructor(limit: number, tombstoneMs: number) {
    this.#limit = limit;
    this.#tombstoneMs = tombstoneMs;
  }

  get size(): number {
    return this.#settled.size;
  }

  /**
   * The version that an update must be newer than; undefined when any will do. An object that `comesBack` after it was
   * taken from the node may come in the very version of then: it still exists, and the node needs it again.
   */
  floor(key: string, nowMs: number, comesBack = false): bigint | undefined {
    const settled = this.#settled.get(key);
    if (settled?.deletedAtMs !== undefined && nowMs - settled.deletedAtMs >= this.#tombstoneMs) {
      this.#settled.delete(key);
      return undefined;
    }
    if (settled?.version === undefined) return undefined;
    return comesBack && settled.deletedAtMs !== undefined ? settled.version - 1n : settled.version;
  }

  /** Whether the node is known to hold exactly this version. */
  holds(key: string, version: bigint | undefined): boolean {
    const settled = this.#settled.get(key);
    return settled !== undefined && settled.deletedAtMs === undefined && settled.version === version;
  }

  /** Nothing is known to be there any more. */
  clear(): void {
    this.#settled.clear();
  }

  note(key: string, version: bigint | undefined, deleted: boolean, nowMs: number): void {
    const floor = this.floor(key, nowMs);
    const newest = version === undefined || (floor !== undefined && floor > version) ? floor : version;
    // Set anew, so that the map's order is that of settling.
    this.#settled.delete(key);
    this.#settled.set(key, { version: newest, deletedAtMs: deleted ? nowMs : undefined });
    for (const oldest of this.#settled.keys()) {
      if (this.#settled.size <= this.#limit) break;
      this.#settled.delete(oldest);
    }
  }
}
