/** A publication that waits for the broker. */
export interface Publication {
  readonly topic: string;
  readonly payload: string;
}

interface Entry extends Publication {
  readonly sizeBytes: number;
  attempts: number;
}

/** Limits of {@link PublishQueue}. */
export interface PublishQueueLimits {
  readonly maximumCount: number;
  readonly maximumBytes: number;
  /** Publications that wait for the broker's acknowledgement at the same time. */
  readonly window: number;
  /** A publication that ended this many connections is dropped. */
  readonly maximumAttempts: number;
}

export const defaultPublishQueueLimits: PublishQueueLimits = {
  // Twice what 2,048 messages handled together lead to: result, document and delta of each.
  maximumCount: 12_288,
  maximumBytes: 8 * 1024 * 1024,
  window: 1_024,
  maximumAttempts: 5,
};

/**
 * Publications in their order until the broker has acknowledged them; a new connection starts over with what was not.
 * At its limits the oldest that waits is dropped, counted: what counts for a device (its delta) is published again
 * after each connect.
 */
export class PublishQueue {
  readonly #limits: PublishQueueLimits;
  readonly #inFlight = new Set<Entry>();
  #waiting: Entry[] = [];
  #bytes = 0;
  #droppedCount = 0;

  constructor(limits: PublishQueueLimits = defaultPublishQueueLimits) {
    this.#limits = limits;
  }

  /** Whether the queue is at most half full; who publishes because of what it receives waits for this. */
  get hasRoom(): boolean {
    return this.length <= this.#limits.maximumCount / 2 && this.#bytes <= this.#limits.maximumBytes / 2;
  }

  get length(): number {
    return this.#waiting.length + this.#inFlight.size;
  }

  /** Publications lost to the limits so far. */
  get droppedCount(): number {
    return this.#droppedCount;
  }

  push(publication: Publication): void {
    const { topic, payload } = publication;
    const sizeBytes = Buffer.byteLength(topic, "utf8") + Buffer.byteLength(payload, "utf8");
    this.#waiting.push({ topic, payload, sizeBytes, attempts: 0 });
    this.#bytes += sizeBytes;
    this.#dropBeyondLimits();
  }

  /** The next publication to send, if the window has room. */
  take(): Publication | undefined {
    if (this.#inFlight.size >= this.#limits.window) return undefined;
    const entry = this.#waiting.shift();
    if (entry === undefined) return undefined;
    entry.attempts++;
    this.#inFlight.add(entry);
    return entry;
  }

  /** The broker has what {@link take} gave. */
  acknowledge(publication: Publication): void {
    const entry = publication as Entry;
    if (this.#inFlight.delete(entry)) this.#bytes -= entry.sizeBytes;
  }

  /** The connection is gone: what was not acknowledged comes first on the next one. */
  startOver(): void {
    const again: Entry[] = [];
    for (const entry of this.#inFlight) {
      if (entry.attempts < this.#limits.maximumAttempts) again.push(entry);
      else this.#drop(entry);
    }
    this.#inFlight.clear();
    this.#waiting = [...again, ...this.#waiting];
    this.#dropBeyondLimits();
  }

  #dropBeyondLimits(): void {
    const { maximumCount, maximumBytes } = this.#limits;
    while (this.length > maximumCount || this.#bytes > maximumBytes) {
      const oldest = this.#waiting.shift();
      if (oldest === undefined) return;
      this.#drop(oldest);
    }
  }

  #drop(entry: Entry): void {
    this.#bytes -= entry.sizeBytes;
    this.#droppedCount++;
  }
}
