/** Scrapers that are told apart; beyond that the one longest not seen is forgotten. */
const MAX_SCRAPERS = 8;
/** Nodes of a scraper; beyond that the one longest not scraped is forgotten. */
const MAX_NODES = 10_000;
/** The line of `/metrics/resource` whose time stands for a whole measurement. */
const MEASUREMENT = /^node_memory_working_set_bytes \S+ (\d+)$/gm;

/** Up to which measurement each scraper has each node's values. */
export class DeliveredTimes {
  readonly #scrapers = new Map<string, Map<string, number>>();

  /** By the node's clock, ms; 0 where nothing is known. */
  of(scraper: string, node: string): number {
    return this.#scrapers.get(scraper)?.get(node) ?? 0;
  }

  /** The scraper has these answers of nodes. */
  note(scraper: string, answers: Iterable<readonly [node: string, text: string]>): void {
    const times = this.#scrapers.get(scraper) ?? new Map<string, number>();
    for (const [node, text] of answers) {
      const newest = [...text.matchAll(MEASUREMENT)].at(-1)?.[1];
      if (newest !== undefined) putNewest(times, node, Number(newest), MAX_NODES);
    }
    putNewest(this.#scrapers, scraper, times, MAX_SCRAPERS);
  }
}

/** Puts an entry last, and takes the first ones away beyond the limit. */
function putNewest<Value>(map: Map<string, Value>, key: string, value: Value, limit: number): void {
  map.delete(key);
  map.set(key, value);
  for (const [oldest] of map) {
    if (map.size <= limit) break;
    map.delete(oldest);
  }
}
