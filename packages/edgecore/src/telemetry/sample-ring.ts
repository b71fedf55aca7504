import { type Clock, describeError, Listeners, type Logger, type Random } from "@skerry/base";
import {
  MAXIMUM_BLOCKS_PER_MESSAGE,
  SAMPLE_BLOCK_LIMITS,
  type Sample,
  type SampleBlock,
  toSampleBlock,
} from "@skerry/link";
import type { Database, Transaction } from "@skerry/store";
import {
  blocksAfter,
  endBlock,
  type RingRecord,
  readRing,
  removeBlock,
  removeSegmentsBefore,
  type Segment,
  segmentAt,
  segmentFrom,
  writeBlock,
  writeRing,
  writeSegment,
} from "./ring-table.ts";
import type { SampleRecorder } from "./sample-port.ts";

/** How much the ring keeps. */
export interface SampleRingLimits {
  /** Beyond it the oldest samples go, also those that the cloud does not have yet: these are counted. */
  readonly maximumBytes: number;
  /** Samples that the cloud has are kept for so long, for questions at the edge. */
  readonly maximumAgeMs: number;
  /** Samples that wait for their commit; beyond it new ones are dropped, counted. */
  readonly maximumPending: number;
}

export const defaultSampleRingLimits: SampleRingLimits = {
  maximumBytes: 64 * 1024 * 1024,
  maximumAgeMs: 7 * 24 * 3_600_000,
  maximumPending: 20_000,
};

/** What the ring lives on. */
export interface SampleRingPorts {
  /** Opened with `telemetryMigrations`; its owner closes it. */
  readonly database: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** A segment of the ring and how far it goes. */
export interface RingSegment extends Segment {
  /** Sequence of its newest sample. */
  readonly last: number;
}

/**
 * The node's samples, durable and bounded, in the order in which they came. What waits is committed together, one row a
 * commit. What the cloud has stays, for questions at the edge, until its place is needed. Each process begins a stream
 * of its own with its first sample: a database that was put back from a copy gives sequences out again, and what has
 * them now must not pass for what the cloud has had under them.
 */
export class SampleRing implements SampleRecorder {
  readonly #ports: SampleRingPorts;
  readonly #logger: Logger;
  readonly #limits: SampleRingLimits;
  readonly #added: Listeners<void>;
  #pending: Sample[] = [];
  #commit: Promise<void> | undefined;
  #record: RingRecord = { acknowledged: 0, dropped: 0, bytes: 0 };
  /** What this process records; undefined until it has. */
  #segment: Segment | undefined;
  #last = 0;
  #refusedCount = 0;
  #toldRefused = false;
  #tellDroppedAt = 1;

  constructor(ports: SampleRingPorts, limits: SampleRingLimits = defaultSampleRingLimits) {
    this.#ports = ports;
    this.#logger = ports.logger.child("telemetry");
    this.#limits = limits;
    this.#added = new Listeners((error) =>
      this.#logger.error("A listener to samples failed", { reason: describeError(error) }),
    );
  }

  /** Reads where the ring stands. */
  async start(): Promise<void> {
    const { database } = this.#ports;
    this.#record = database.read(readRing);
    this.#last = database.read((reader) => endBlock(reader, "newest"))?.last ?? 0;
  }

  /** Name of the stream of what is recorded now; empty before the first sample since the start. */
  get stream(): string {
    return this.#segment?.stream ?? "";
  }

  /** The cloud has all up to this sequence, as far as it is known here. */
  get acknowledged(): number {
    return this.#record.acknowledged;
  }

  /** Sequence of the newest committed sample. */
  get last(): number {
    return this.#last;
  }

  /** `dropped`: left the ring before the cloud had them. `refused`: came faster than they could be stored, or could not. */
  get counters(): { readonly dropped: number; readonly refused: number; readonly bytes: number } {
    return { dropped: this.#record.dropped, refused: this.#refusedCount, bytes: this.#record.bytes };
  }

  /** Called after samples were committed. */
  onAdded(listener: () => void): Disposable {
    return this.#added.add(listener);
  }

  async record(samples: readonly Sample[]): Promise<void> {
    const room = this.#limits.maximumPending - this.#pending.length;
    if (samples.length > room) this.#refuse(samples.length - room, "they come faster than they can be stored");
    for (const sample of samples.slice(0, Math.max(0, room))) this.#pending.push(sample);
    this.#commit ??= this.#commitPending();
    await this.#commit;
  }

  /** The segment of the sample with this sequence; undefined when there is no such sample any more, or yet. */
  segmentOf(sequence: number): RingSegment | undefined {
    return this.#ports.database.read((reader) => {
      const oldest = endBlock(reader, "oldest");
      if (oldest === undefined || sequence < oldest.first || sequence > this.#last) return undefined;
      const segment = segmentAt(reader, sequence);
      const next = segmentFrom(reader, sequence);
      return segment && { ...segment, last: Math.min(next?.base ?? this.#last, this.#last) };
    });
  }

  /** The segment of the first sample after this sequence that the ring still holds. */
  segmentAfter(sequence: number): RingSegment | undefined {
    const first = this.#ports.database.read((reader) => endBlock(reader, "oldest"))?.first ?? 1;
    return this.segmentOf(Math.max(sequence + 1, first));
  }

  /** What follows after `sequence` in this segment, up to about `maximumBytes`. */
  blocksAfter(sequence: number, segment: RingSegment, maximumBytes: number): SampleBlock[] {
    return this.#ports.database.read((reader) =>
      blocksAfter(reader, sequence, segment.last, maximumBytes, MAXIMUM_BLOCKS_PER_MESSAGE),
    );
  }

  /**
   * The cloud has all up to `sequence`. Stored with the next samples, not at once: who forgets it asks the cloud.
   */
  acknowledge(sequence: number): void {
    if (sequence > this.#record.acknowledged) this.#record = { ...this.#record, acknowledged: sequence };
  }

  /**
   * Begins a stream with another name for all samples that follow. Needed when the cloud has more of this process's stream
   * than it has recorded: the machine was set back to a picture of it, the process with it.
   */
  renew(): void {
    this.#segment = undefined;
  }

  /** Takes all that waits when its turn comes, so that what is recorded meanwhile shares the same commit. */
  async #commitPending(): Promise<void> {
    let taken: Sample[] = [];
    let begun: Segment | undefined;
    const endSegment = (): void => {
      if (begun !== undefined && this.#segment === begun) this.#segment = undefined;
    };
    const take = (): void => {
      taken = this.#pending;
      this.#pending = [];
      this.#commit = undefined;
    };
    try {
      const { last, record } = await this.#ports.database.transaction((transaction) => {
        take();
        begun = this.#beginSegment(transaction);
        try {
          return this.#write(transaction, taken);
        } catch (error) {
          // At once: the next one may run before this one is told.
          endSegment();
          throw error;
        }
      });
      this.#tellDropped(record.dropped - this.#record.dropped);
      this.#last = last;
      // What the cloud has may have grown meanwhile.
      this.#record = { ...record, acknowledged: Math.max(record.acknowledged, this.#record.acknowledged) };
    } catch (error) {
      if (taken.length === 0) take(); // The transaction did not even begin.
      endSegment();
      this.#refuse(taken.length, describeError(error));
      return;
    }
    this.#toldRefused = false;
    this.#added.emit();
  }

  /**
   * Begins a stream when there is none; undefined when there is one. It counts at once: the next transaction may run before
   * this one is known to be on the disk.
   */
  #beginSegment(transaction: Transaction): Segment | undefined {
    if (this.#segment !== undefined) return undefined;
    this.#segment = { stream: this.#ports.random.uuid(), base: endBlock(transaction, "newest")?.last ?? 0 };
    writeSegment(transaction, this.#segment);
    return this.#segment;
  }

  #write(transaction: Transaction, samples: readonly Sample[]): { readonly last: number; readonly record: RingRecord } {
    const { acknowledged } = this.#record;
    let { bytes, dropped } = readRing(transaction);
    let last = endBlock(transaction, "newest")?.last ?? 0;
    for (let from = 0; from < samples.length; from += SAMPLE_BLOCK_LIMITS.maximumRows) {
      const part = samples.slice(from, from + SAMPLE_BLOCK_LIMITS.maximumRows);
      bytes += writeBlock(transaction, toSampleBlock(last + 1, part));
      last += part.length;
    }
    const { maximumBytes, maximumAgeMs } = this.#limits;
    const agedMs = this.#ports.clock.now() - maximumAgeMs;
    for (let oldest = endBlock(transaction, "oldest"); oldest !== undefined; oldest = endBlock(transaction, "oldest")) {
      // By age only what the cloud has: a clock that was set must not throw away what nobody else holds.
      const isDue = bytes > maximumBytes || (oldest.toMs < agedMs && oldest.last <= acknowledged);
      // The newest stays, so that the sequence goes on.
      if (!isDue || oldest.last === last) break;
      removeBlock(transaction, oldest.first);
      bytes -= oldest.sizeBytes;
      dropped += Math.max(0, oldest.last - Math.max(acknowledged, oldest.first - 1));
      removeSegmentsBefore(transaction, oldest.last + 1);
    }
    const record = { acknowledged, dropped, bytes };
    writeRing(transaction, record);
    return { last, record };
  }

  /** Samples that will never be on the disk. */
  #refuse(count: number, reason: string): void {
    this.#refusedCount += count;
    if (this.#toldRefused) return;
    this.#toldRefused = true;
    this.#logger.warn("Samples of devices are dropped; their newest values are kept all the same", { count, reason });
  }

  /** Told when it begins and then each time that the number has doubled. */
  #tellDropped(count: number): void {
    if (count <= 0) return;
    const dropped = this.#record.dropped + count;
    if (dropped < this.#tellDroppedAt) return;
    this.#tellDroppedAt = 2 * dropped;
    this.#logger.warn("The ring of samples is full; the oldest are dropped before the cloud has them", { dropped });
  }
}
